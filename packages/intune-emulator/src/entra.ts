/**
 * Entra: the token endpoint for client credentials, and the metadata that MSAL asks for.
 * Error texts and statuses as login.microsoftonline.com gives them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { tokenLifetimeSeconds, type AccessTokens, type Audience } from './access-tokens.ts';
import type { Faults } from './faults.ts';
import { newGuid, type RandomBytes } from './identifiers.ts';
import { requestIdsOf } from './request-ids.ts';
import { audienceOf } from './resources.ts';
import type { EmulatorRecords } from './state.ts';

export interface EntraOptions {
  records: EmulatorRecords;
  tokens: AccessTokens;
  clientSecret: string;
  faults: Faults;
  now: () => Date;
  randomBytes: RandomBytes;
}

const maxTokenRequestBytes = 16 * 1024;

/** An answer of the token endpoint other than a token. */
interface EntraError {
  status: 400 | 401;
  error: string;
  number: number;
  description: string;
}

export function entraApp(options: EntraOptions): Hono {
  const { records, faults } = options;
  const app = new Hono();
  app.post(
    '/:tenant/oauth2/v2.0/token',
    bodyLimit({
      maxSize: maxTokenRequestBytes,
      onError: (context) => entraErrorResponse(context.req.raw, options, badRequest('The request body is too large.')),
    }),
    (context) =>
      faults.answer(
        'token',
        context.req.raw,
        () => answerTokenRequest(context.req.raw, context.req.param('tenant'), options),
        (code, description) =>
          entraErrorResponse(context.req.raw, options, { status: 400, error: code, number: 90099, description }),
      ),
  );
  app.get('/:tenant/v2.0/.well-known/openid-configuration', (context) => {
    const tenant = context.req.param('tenant');
    if (!isTenant(tenant, records)) return entraErrorResponse(context.req.raw, options, tenantNotFound(tenant));
    return context.json(openIdConfiguration(new URL(context.req.url).origin, records.tenant.tenantId));
  });
  app.get('/:tenant/discovery/v2.0/keys', (context) => context.json({ keys: [] }));
  app.get('/common/discovery/instance', (context) => {
    const { origin, host } = new URL(context.req.url);
    return context.json({
      tenant_discovery_endpoint: `${origin}/${records.tenant.tenantId}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
    });
  });
  return app;
}

async function answerTokenRequest(request: Request, tenant: string, options: EntraOptions): Promise<Response> {
  const { records, tokens } = options;
  const { origin } = new URL(request.url);
  const form = await readForm(request);
  const checked = isTenant(tenant, records)
    ? checkTokenRequest(form, request, origin, options)
    : tenantNotFound(tenant);
  if ('error' in checked) return entraErrorResponse(request, options, checked);
  const issuer = `${origin}/${records.tenant.tenantId}/`;
  return noStore({
    token_type: 'Bearer',
    expires_in: tokenLifetimeSeconds,
    ext_expires_in: tokenLifetimeSeconds,
    access_token: tokens.issue(records.tenant, checked.audience, checked.resource, issuer),
  });
}

async function readForm(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get('content-type') ?? '';
  return new URLSearchParams(/^application\/x-www-form-urlencoded\b/iu.test(type) ? await request.text() : '');
}

function checkTokenRequest(
  form: URLSearchParams,
  request: Request,
  origin: string,
  { records, clientSecret }: EntraOptions,
): EntraError | { audience: Audience; resource: string } {
  const grantType = form.get('grant_type');
  if (!grantType) return missingParameter('grant_type');
  if (grantType !== 'client_credentials') return unsupportedGrantType(grantType);
  const credentials = readCredentials(form, request);
  if (!credentials.clientId) return missingParameter('client_id');
  const { clientId, tenantName } = records.tenant;
  if (credentials.clientId.toLowerCase() !== clientId) return applicationNotFound(credentials.clientId, tenantName);
  if (!credentials.clientSecret) return credentialMissing;
  if (!sameSecret(credentials.clientSecret, clientSecret)) return invalidSecret(clientId);
  return checkScope(form.get('scope'), origin, tenantName);
}

/** Client id and secret from the form, or from HTTP Basic authentication (RFC 6749 §2.3.1). */
function readCredentials(form: URLSearchParams, request: Request): { clientId: string; clientSecret: string } {
  const basic = /^Basic +([A-Za-z0-9+/]+=*)$/iu.exec(request.headers.get('authorization') ?? '')?.[1];
  if (basic === undefined) {
    return { clientId: form.get('client_id') ?? '', clientSecret: form.get('client_secret') ?? '' };
  }
  const [clientId = '', clientSecret = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':');
  // Form encoding turns these two values into plain text again without throwing on a malformed one.
  const decode = (value: string) => new URLSearchParams(`value=${value}`).get('value') ?? '';
  return { clientId: decode(clientId), clientSecret: decode(clientSecret) };
}

function checkScope(
  scope: string | null,
  origin: string,
  tenantName: string,
): EntraError | { audience: Audience; resource: string } {
  if (!scope) return missingParameter('scope');
  if (!scope.endsWith('/.default') || /\s/u.test(scope)) return scopeNotDefault(scope);
  const resource = scope.slice(0, -'/.default'.length);
  const audience = audienceOf(resource, origin);
  return audience === undefined ? resourceNotFound(resource, tenantName) : { audience, resource };
}

function sameSecret(received: string, expected: string): boolean {
  const hash = (secret: string) => createHash('sha256').update(secret).digest();
  return timingSafeEqual(hash(received), hash(expected));
}

function isTenant(tenant: string, { tenant: { tenantId, tenantName } }: EmulatorRecords): boolean {
  return [tenantId, tenantName].includes(tenant.toLowerCase());
}

function openIdConfiguration(origin: string, tenantId: string): object {
  const base = `${origin}/${tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'tid', 'ver'],
    tenant_region_scope: null,
  };
}

const badRequest = (description: string): EntraError => ({
  status: 400,
  error: 'invalid_request',
  number: 900144,
  description,
});

const missingParameter = (name: string): EntraError =>
  badRequest(`The request body must contain the following parameter: '${name}'.`);

const unsupportedGrantType = (grantType: string): EntraError => ({
  status: 400,
  error: 'unsupported_grant_type',
  number: 70003,
  description: `The app requested an unsupported grant type '${printable(grantType)}'.`,
});

const tenantNotFound = (tenant: string): EntraError => ({
  status: 400,
  error: 'invalid_request',
  number: 90002,
  description:
    `Tenant '${printable(tenant)}' not found. Check to make sure you have the correct tenant ID and are signing ` +
    'into the correct cloud. Check with your subscription administrator, this may happen if there are no active ' +
    'subscriptions for the tenant.',
});

const applicationNotFound = (clientId: string, tenantName: string): EntraError => ({
  status: 400,
  error: 'unauthorized_client',
  number: 700016,
  description:
    `Application with identifier '${printable(clientId)}' was not found in the directory '${tenantName}'. This can ` +
    'happen if the application has not been installed by the administrator of the tenant or consented to by any user ' +
    'in the tenant. You may have sent your authentication request to the wrong tenant.',
});

const credentialMissing: EntraError = {
  status: 401,
  error: 'invalid_client',
  number: 7000216,
  description: "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
};

const invalidSecret = (clientId: string): EntraError => ({
  status: 401,
  error: 'invalid_client',
  number: 7000215,
  description:
    'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the ' +
    `client secret ID, for a secret added to app '${clientId}'.`,
});

const scopeNotDefault = (scope: string): EntraError => ({
  status: 400,
  error: 'invalid_scope',
  number: 1002012,
  description:
    `The provided value for scope ${printable(scope)} is not valid. Client credential flows must have a scope value ` +
    'with /.default suffixed to the resource identifier (application ID URI).',
});

const resourceNotFound = (resource: string, tenantName: string): EntraError => ({
  status: 400,
  error: 'invalid_resource',
  number: 500011,
  description:
    `The resource principal named ${printable(resource)} was not found in the tenant named ${tenantName}. This can ` +
    'happen if the application has not been installed by the administrator of the tenant or consented to by any user ' +
    'in the tenant. You might have sent your authentication request to the wrong tenant.',
});

/** Caller's text in an error message: bounded, and without what a terminal or a log would act upon. */
function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x20-\x7e]/gu, '?');
}

function entraErrorResponse(request: Request, options: EntraOptions, problem: EntraError): Response {
  const { activityId } = requestIdsOf(request, options.randomBytes);
  const traceId = newGuid(options.randomBytes);
  const timestamp = `${options.now().toISOString().slice(0, 19).replace('T', ' ')}Z`;
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

function noStore(body: object, status = 200): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' } });
}
