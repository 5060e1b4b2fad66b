/**
 * Entra's errors: numbers, statuses and texts as login.microsoftonline.com gives them, as far as they are known. A text
 * that is our own says so.
 */
import { newGuid, type RandomBytes } from './identifiers.ts';
import { requestIdsOf } from './request-ids.ts';

/** An answer of the token endpoint other than a token. */
export interface EntraError {
  status: number;
  error: string;
  number: number;
  description: string;
}

export const badRequest = (description: string): EntraError => ({
  status: 400,
  error: 'invalid_request',
  number: 900144,
  description,
});

export const missingParameter = (name: string): EntraError =>
  badRequest(`The request body must contain the following parameter: '${name}'.`);

export const unsupportedGrantType = (grantType: string): EntraError => ({
  status: 400,
  error: 'unsupported_grant_type',
  number: 70003,
  description: `The app requested an unsupported grant type '${printable(grantType)}'.`,
});

export const tenantNotFound = (tenant: string): EntraError => ({
  status: 400,
  error: 'invalid_request',
  number: 90002,
  description:
    `Tenant '${printable(tenant)}' not found. Check to make sure you have the correct tenant ID and are signing ` +
    'into the correct cloud. Check with your subscription administrator, this may happen if there are no active ' +
    'subscriptions for the tenant.',
});

export const applicationNotFound = (clientId: string, tenantName: string): EntraError => ({
  status: 400,
  error: 'unauthorized_client',
  number: 700016,
  description:
    `Application with identifier '${printable(clientId)}' was not found in the directory '${tenantName}'. This can ` +
    'happen if the application has not been installed by the administrator of the tenant or consented to by any user ' +
    'in the tenant. You may have sent your authentication request to the wrong tenant.',
});

export const scopeNotDefault = (scope: string): EntraError => ({
  status: 400,
  error: 'invalid_scope',
  number: 1002012,
  description:
    `The provided value for scope ${printable(scope)} is not valid. Client credential flows must have a scope value ` +
    'with /.default suffixed to the resource identifier (application ID URI).',
});

export const resourceNotFound = (resource: string, tenantName: string): EntraError => ({
  status: 400,
  error: 'invalid_resource',
  number: 500011,
  description:
    `The resource principal named ${printable(resource)} was not found in the tenant named ${tenantName}. This can ` +
    'happen if the application has not been installed by the administrator of the tenant or consented to by any user ' +
    'in the tenant. You might have sent your authentication request to the wrong tenant.',
});

/** The application could not prove who it is. */
export const invalidClient = (number: number, description: string): EntraError => ({
  status: 401,
  error: 'invalid_client',
  number,
  description,
});

export const credentialMissing: EntraError = invalidClient(
  7000216,
  "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
);

export const wrongSecret = (clientId: string): EntraError =>
  invalidClient(
    7000215,
    'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the ' +
      `client secret ID, for a secret added to app '${clientId}'.`,
  );

export const expiredSecret = (clientId: string): EntraError =>
  invalidClient(
    7000222,
    `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for ` +
      'your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: ' +
      'https://aka.ms/certCreds.',
  );

/** Caller's text in an error message: bounded, and without what a terminal or a log would act upon. */
export function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x20-\x7e]/gu, '?');
}

export function entraErrorResponse(
  request: Request,
  { now, randomBytes }: { now: () => Date; randomBytes: RandomBytes },
  problem: EntraError,
): Response {
  const { activityId } = requestIdsOf(request, randomBytes);
  const traceId = newGuid(randomBytes);
  const timestamp = `${now().toISOString().slice(0, 19).replace('T', ' ')}Z`;
  return noStore(
    {
      error: problem.error,
      error_description:
        `AADSTS${problem.number}: ${problem.description} ` +
        `Trace ID: ${traceId} Correlation ID: ${activityId} Timestamp: ${timestamp}`,
      error_codes: [problem.number],
      timestamp,
      trace_id: traceId,
      correlation_id: activityId,
      error_uri: `https://login.microsoftonline.com/error?code=${problem.number}`,
    },
    problem.status,
  );
}

/** An answer that no cache may keep (RFC 6749 §5.1). */
export function noStore(body: object, status = 200): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' } });
}
