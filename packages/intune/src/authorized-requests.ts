import type { Call } from './call.ts';
import { IntuneAuthenticationError, IntunePermissionError } from './errors.ts';
import type { HttpAnswer } from './http/answer.ts';
import type { HttpConnections, HttpRequest } from './http/http-connections.ts';
import type { TokenSource } from './token-source.ts';

/** One Microsoft service and how to sign in to it. */
export interface AuthorizedService {
  /** As sentences name it. */
  readonly name: string;
  readonly tokens: TokenSource;
  /** What the application is missing when the service answers 403. */
  readonly permission: IntunePermissionError['permission'];
}

/**
 * Sends a request with a bearer token. A refused token (401) is replaced once: it may have been revoked or its keys
 * rolled over before its end.
 * @throws {IntuneAuthenticationError} on a second 401, {IntunePermissionError} on 403; every other status is returned.
 */
export async function sendAuthorized(
  http: HttpConnections,
  service: AuthorizedService,
  request: HttpRequest,
  call: Call,
): Promise<HttpAnswer> {
  const token = await service.tokens.token(call);
  let answer = await http.send(withToken(request, token), call);
  if (answer.status === 401) {
    service.tokens.forget(token);
    answer = await http.send(withToken(request, await service.tokens.token(call)), call);
  }
  checkAccess(answer, service, call);
  return answer;
}

function withToken(request: HttpRequest, token: string): HttpRequest {
  return {
    ...request,
    headers: { ...request.headers, authorization: `Bearer ${token}` },
    secrets: { ...request.secrets, tokens: [...(request.secrets.tokens ?? []), token] },
  };
}

function checkAccess(answer: HttpAnswer, service: AuthorizedService, call: Call): void {
  if (answer.status !== 401 && answer.status !== 403) {
    return;
  }
  const cause = answer.statusError(service.name, call);
  const context = { activityId: call.activityId, cause };
  if (answer.status === 401) {
    throw new IntuneAuthenticationError(`${service.name} refused a fresh token. ${cause.message}`, context);
  }
  const advice = `Grant the application permission ${service.permission} to the application, with an administrator's consent.`;
  throw new IntunePermissionError(service.permission, `${cause.message}. ${advice}`, context);
}
