import { newGuid, type RandomBytes } from './identifiers.ts';

/** The ids under which a request is known on both sides; Intune calls the client's one the activity id. */
export interface RequestIds {
  readonly activityId: string;
  readonly requestId: string;
}

/** Takes the caller's `client-request-id`, a GUID or (EJBCA) any short token, or makes one up. */
export function requestIdsOf(request: Request, randomBytes: RandomBytes): RequestIds {
  const sent = request.headers.get('client-request-id') ?? new URL(request.url).searchParams.get('client-request-id');
  const activityId = sent !== null && /^[\w-]{1,64}$/u.test(sent) ? sent : newGuid(randomBytes);
  return { activityId, requestId: newGuid(randomBytes) };
}

export function requestIdHeaders({ activityId, requestId }: RequestIds): Record<string, string> {
  return { 'client-request-id': activityId, 'request-id': requestId };
}
