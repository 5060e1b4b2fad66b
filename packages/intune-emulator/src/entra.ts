/**
 * Entra: the token endpoint for client credentials, and the metadata that MSAL asks for.
 */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { tokenLifetimeSeconds, type AccessTokens, type Audience } from './access-tokens.ts';
import { jwtBearer, problemWithAssertion } from './client-assertion.ts';
import {
  applicationNotFound,
  badRequest,
  credentialMissing,
  entraErrorResponse,
  expiredSecret,
  missingParameter,
  noStore,
  printable,
  resourceNotFound,
  scopeNotDefault,
  tenantNotFound,
  unsupportedGrantType,
  wrongSecret,
  type EntraError,
} from './entra-errors.ts';
import { faultyCall } from './faulty-call.ts';
import type { Faults } from './faults.ts';
import type { RandomBytes } from './identifiers.ts';
import { audienceOf } from './resources.ts';
import type { EmulatorRecords } from './state.ts';

export interface EntraOptions {
  records: EmulatorRecords;
  tokens: AccessTokens;
  /** The first secret; others are registered as hashes. */
  clientSecret: string;
  /** Base URL under which the emulator is known. */
  microsoftUrl: () => string;
  faults: Faults;
  now: () => Date;
  randomBytes: RandomBytes;
}

/** A client assertion may hold a chain of certificates. */
const maxTokenRequestBytes = 64 * 1024;

export function entraApp(options: EntraOptions): Hono {
  const { records, faults } = options;
  const app = new Hono();
  app.post(
    '/:tenant/oauth2/v2.0/token',
    bodyLimit({
      maxSize: maxTokenRequestBytes,
      onError: (context) => entraErrorResponse(context.req.raw, options, badRequest('The request body is too large.')),
    }),
    (context) => {
      const request = context.req.raw;
      return faults.answer('token', faultyCall(context), {
        normal: () => answerTokenRequest(request, context.req.param('tenant'), options),
        code: (code, description) => entraErrorResponse(request, options, errorOfFault(code, description)),
        error: (status, code, message) => {
          // TenantThrottlingError, MsodsServiceUnavailable.
          const number = status === 429 ? 90055 : 90033;
          return entraErrorResponse(request, options, {
            status,
            error: codeOf(status, code),
            number,
            description: message,
          });
        },
      });
    },
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

/** A description such as `AADSTS7000222: The provided …` brings its own number. */
function errorOfFault(error: string, text: string): EntraError {
  const [, number, description] = /^AADSTS(\d{1,9}):? *(.*)$/su.exec(text) ?? [];
  if (number === undefined) return { status: 400, error, number: 90099, description: text };
  return { status: 400, error, number: Number(number), description: description ?? '' };
}

/** OAuth's word for an error that has passed when the client tries again. */
function codeOf(status: number, code: string): string {
  return status === 429 || status >= 500 ? 'temporarily_unavailable' : code;
}

async function answerTokenRequest(request: Request, tenant: string, options: EntraOptions): Promise<Response> {
  const { records, tokens } = options;
  const { origin } = new URL(request.url);
  const form = await readForm(request);
  const checked = isTenant(tenant, records)
    ? checkTokenRequest(form, request, origin, options)
    : tenantNotFound(tenant);
  if ('error' in checked) return entraErrorResponse(request, options, checked);
  const { tenantId, clientId, graphRoles, intuneRoles } = records.tenant;
  const issuer = `${origin}/${tenantId}/`;
  const roles = checked.audience === 'graph' ? graphRoles : intuneRoles;
  const credential = form.has('client_assertion') ? 'certificate' : 'secret';
  const holder = { clientId, objectId: clientId, credential } as const;
  return noStore({
    token_type: 'Bearer',
    expires_in: tokenLifetimeSeconds,
    ext_expires_in: tokenLifetimeSeconds,
    access_token: tokens.issue(records.tenant, { ...checked, issuer, roles, holder }),
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
  options: EntraOptions,
): EntraError | { audience: Audience; resource: string } {
  const grantType = form.get('grant_type');
  if (!grantType) return missingParameter('grant_type');
  if (grantType !== 'client_credentials') return unsupportedGrantType(grantType);
  const credentials = readCredentials(form, request);
  const assertion = form.get('client_assertion');
  if (!credentials.clientId && !assertion) return missingParameter('client_id');
  const { clientId, tenantName } = options.records.tenant;
  // RFC 7521 §4.2: beside an assertion, the client id may be left out.
  const claimedId = credentials.clientId || clientId;
  if (claimedId.toLowerCase() !== clientId) return applicationNotFound(claimedId, tenantName);
  const problem = assertion
    ? problemWithAssertionForm(assertion, form, origin, options)
    : problemWithSecret(credentials.clientSecret, options);
  return problem ?? checkScope(form.get('scope'), origin, tenantName);
}

function problemWithAssertionForm(
  assertion: string,
  form: URLSearchParams,
  origin: string,
  options: EntraOptions,
): EntraError | undefined {
  const type = form.get('client_assertion_type');
  if (!type) return missingParameter('client_assertion_type');
  if (type !== jwtBearer) {
    const description = `The client_assertion_type '${printable(type)}' is not supported.`;
    return { status: 400, error: 'invalid_request', number: 90023, description };
  }
  return problemWithAssertion(assertion, { ...options, origin, microsoftUrl: options.microsoftUrl() });
}

function problemWithSecret(secret: string, { records, clientSecret, now }: EntraOptions): EntraError | undefined {
  if (!secret) return credentialMissing;
  const verdict = records.credentials.checkSecret(secret, clientSecret, now());
  if (verdict === 'accepted') return undefined;
  const { clientId } = records.tenant;
  return verdict === 'expired' ? expiredSecret(clientId) : wrongSecret(clientId);
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

function isTenant(tenant: string, { tenant: { tenantId, tenantName } }: EmulatorRecords): boolean {
  return [tenantId, tenantName].includes(tenant.toLowerCase());
}

function openIdConfiguration(origin: string, tenantId: string): object {
  const base = `${origin}/${tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
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
