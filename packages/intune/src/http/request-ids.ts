import type { RequestIds } from '../errors.ts';
import { isObject } from './error-detail.ts';
import type { HttpHeaders } from './exchange.ts';

/** In the text of Intune's errors: `… - Activity ID: 0b2c… - Url: …`, or as a member of the JSON inside the message. */
const activityIdInText = /\bActivity ?Id"?\s*:\s*"?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/i;

/**
 * By which Microsoft's support finds the request. The services put these ids into headers, Graph also into
 * `innerError`, OData 3 and Entra (`trace_id`, `correlation_id`) beside the error, and Intune into its message.
 */
export function requestIds(headers: HttpHeaders, body: unknown): RequestIds {
  const outer = member(body);
  const error = member(outer['error'] ?? outer['odata.error']);
  const inner = member(error['innerError'] ?? error['innererror']);
  const message = error['message'] ?? outer['Message'];
  const found = {
    requestId: firstId(
      headers['request-id'],
      headers['x-ms-request-id'],
      inner['request-id'],
      error['requestId'],
      outer['trace_id'],
    ),
    clientRequestId: firstId(headers['client-request-id'], inner['client-request-id']),
    correlationId: firstId(headers['x-ms-correlation-request-id'], outer['correlation_id']),
    activityId: typeof message === 'string' ? activityIdInText.exec(message)?.[1] : undefined,
  };
  return Object.fromEntries(Object.entries(found).filter(([, id]) => id !== undefined));
}

function member(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

/** Only what ids consist of, so that nothing else gets into logs by this way. */
function firstId(...values: unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && /^[\w.:-]{1,100}$/.test(value));
}
