/**
 * What a Microsoft service says in an error body. The shapes met:
 * - Graph and Intune: `{"error":{"code","message"}}`; Intune's message may itself be JSON with a `Message` member
 * - OData 3: `{"odata.error":{"code","message":{"lang","value"}}}`
 * - Entra: `{"error":"invalid_client","error_description":"AADSTS…"}`
 * - ASP.NET: `{"Message":"…"}`
 *
 * @returns code and message joined with a colon, or `undefined` when the body is in none of these shapes.
 */
export function errorDetail(body: unknown): string | undefined {
  if (!isObject(body)) {
    return undefined;
  }
  const error = body['error'] ?? body['odata.error'] ?? body;
  if (typeof error === 'string') {
    return joined(error, text(body['error_description']));
  }
  if (!isObject(error)) {
    return undefined;
  }
  return joined(text(error['code']), messageOf(error));
}

function messageOf(error: Record<string, unknown>): string | undefined {
  const message = error['message'] ?? error['Message'] ?? error['errorDescription'];
  if (isObject(message)) {
    return text(message['value']);
  }
  return typeof message === 'string' ? (nestedMessage(message) ?? text(message)) : undefined;
}

/** The `Message` inside a message that is JSON; some arrive cut off, so that only a search finds it. */
function nestedMessage(message: string): string | undefined {
  const quoted = /"Message"\s*:\s*("(?:[^"\\]|\\.)*")/i.exec(message)?.[1];
  return message.trimStart().startsWith('{') && quoted !== undefined ? text(parseJson(quoted)) : undefined;
}

function joined(code: string | undefined, message: string | undefined): string | undefined {
  const parts = [code, message].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(': ');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The value of a JSON text, or `undefined` when it is none. */
export function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
