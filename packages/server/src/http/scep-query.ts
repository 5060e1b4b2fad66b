/** The query of a SCEP URL, as clients really write it (RFC 8894 4.1, and facts about certmonger, Cisco and macOS). */

export interface ScepQuery {
  readonly operation: string | undefined;
  /** As sent, still percent-encoded. */
  readonly rawMessage: string | undefined;
}

/** First occurrence of each parameter wins; `operation` is compared without regard to case by some clients, so by us. */
export function parseScepQuery(rawQuery: string): ScepQuery {
  let operation: string | undefined;
  let rawMessage: string | undefined;
  for (const pair of rawQuery.split('&')) {
    const equals = pair.indexOf('=');
    const name = (equals === -1 ? pair : pair.slice(0, equals)).toLowerCase();
    const value = equals === -1 ? '' : pair.slice(equals + 1);
    if (name === 'operation') operation ??= value;
    if (name === 'message') rawMessage ??= value;
  }
  return { operation, rawMessage };
}

/**
 * The bytes of a GET's message: base64 under percent-encoding, where a plus may have been sent raw (and must not become
 * a space), as a space, with line breaks in it, or without its padding. Undefined when it is not base64 at all.
 */
export function decodeMessage(rawMessage: string): Uint8Array | undefined {
  let text: string;
  try {
    text = decodeURIComponent(rawMessage);
  } catch {
    return undefined;
  }
  const compact = withoutPadding(text.replace(/[\r\n\t]/g, '').replaceAll(' ', '+'));
  if (compact === '' || !/^[A-Za-z0-9+/]+$/.test(compact) || compact.length % 4 === 1) return undefined;
  return new Uint8Array(Buffer.from(compact, 'base64'));
}

/** Not by a regular expression: one that begins anew at every sign takes seconds for a URL full of them. */
function withoutPadding(base64: string): string {
  let end = base64.length;
  while (base64[end - 1] === '=') end -= 1;
  return base64.slice(0, end);
}
