import type { Call } from './call.ts';
import { IntuneAuthenticationError, IntunePermissionError } from './errors.ts';
import type { HttpAnswer } from './http/answer.ts';
import type { HttpRequest } from './http/http-sender.ts';
import type { HttpSender } from './http/http-sender.ts';
import { describeRoles, grantedRoles, hasPermission, type PermissionName } from './permissions.ts';
import { sentence } from './sentence.ts';
import type { TokenSource } from './token-source.ts';

/** One Microsoft service and how to sign in to it. */
export interface AuthorizedService {
  /** As sentences name it. */
  readonly name: string;
  readonly tokens: TokenSource;
  /** What the application is missing when the service answers 403. */
  readonly permission: PermissionName;
}

/** An answer, and the roles of the token that led to it; `undefined` when the token can't be read. */
export interface AuthorizedAnswer {
  readonly answer: HttpAnswer;
  readonly roles: readonly string[] | undefined;
}

/**
 * Sends a request with a bearer token. A refused token (401) is replaced once: it may have been revoked or its keys
 * rolled over before its end. So is one that lacks the permission (403), unless it is fresh.
 * @throws {IntuneAuthenticationError} on a second 401
 * @throws {IntunePermissionError} on 403, and on a second 401 when the token lacks the permission; every other status
 * is returned
 */
export async function sendAuthorized(
  http: HttpSender,
  service: AuthorizedService,
  request: HttpRequest,
  call: Call,
): Promise<AuthorizedAnswer> {
  const { tokens } = service;
  let token = await tokens.token(call);
  let answer = await http.send(withToken(request, token), call);
  if (isWorthAnotherToken(answer, token, service)) {
    token = await tokens.token(call);
    answer = await http.send(withToken(request, token), call);
    isWorthAnotherToken(answer, token, service);
  }
  const roles = grantedRoles(token);
  if (answer.status === 401 || answer.status === 403) {
    throw accessError(answer, roles, service, call);
  }
  return { answer, roles };
}

/** A refused token is forgotten; one that lacks the permission, when it is old enough to be out of date. */
function isWorthAnotherToken(
  { status }: HttpAnswer,
  token: string,
  { tokens, permission }: AuthorizedService,
): boolean {
  if (status === 401) {
    tokens.forget(token);
    return true;
  }
  const roles = status === 403 ? grantedRoles(token) : undefined;
  return roles !== undefined && !hasPermission(roles, permission) && tokens.forgetUnlessYoung(token);
}

function withToken(request: HttpRequest, token: string): HttpRequest {
  return {
    ...request,
    headers: { ...request.headers, authorization: `Bearer ${token}` },
    secrets: { ...request.secrets, tokens: [...(request.secrets.tokens ?? []), token] },
  };
}

function accessError(
  answer: HttpAnswer,
  roles: readonly string[] | undefined,
  { name, permission }: AuthorizedService,
  call: Call,
): IntuneAuthenticationError | IntunePermissionError {
  const cause = answer.statusError(name, call);
  const context = { activityId: call.activityId, cause };
  const isGranted = roles !== undefined && hasPermission(roles, permission);
  if (answer.status === 401 && (roles === undefined || isGranted)) {
    const advice = `Check that the token is for this service: tenant, cloud and the resource asked for, and that no policy of Conditional Access for workload identities stands in the way.`;
    return new IntuneAuthenticationError(`${name} refused a fresh token. ${cause.message}`, { ...context, advice });
  }
  const message = `${sentence(cause.message)} ${describeRoles(roles, permission)}`;
  return new IntunePermissionError(permission, message, { ...context, grantedRoles: roles });
}
