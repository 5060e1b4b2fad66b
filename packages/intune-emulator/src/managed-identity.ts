/**
 * The managed identity endpoint of an Azure machine (Instance Metadata Service), and the one that App Service gives its
 * programs: plain HTTP, and whoever runs on the machine may ask. Its identity has the same roles as the application,
 * and the application trusts it as a federated credential.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import { tokenLifetimeSeconds, type AccessTokens } from './access-tokens.ts';
import { tokenExchangeAudience } from './credential-register.ts';
import { faultyCall } from './faulty-call.ts';
import type { Faults } from './faults.ts';
import type { RandomBytes } from './identifiers.ts';
import { issuerOf, managedIdentityIds } from './managed-identity-ids.ts';
import { requestIdsOf } from './request-ids.ts';
import { audienceOf } from './resources.ts';
import type { EmulatorRecords } from './state.ts';

export interface ManagedIdentityOptions {
  records: EmulatorRecords;
  tokens: AccessTokens;
  faults: Faults;
  /** What App Service's form asks for in `X-IDENTITY-HEADER`. */
  identityHeader: string;
  microsoftUrl: () => string;
  now: () => Date;
  randomBytes: RandomBytes;
}

export const imdsTokenPath = '/metadata/identity/oauth2/token';
export const appServiceTokenPath = '/msi/token';

const imdsApiVersion = '2018-02-01';
const appServiceApiVersion = '2019-08-01';

/** Secret to this machine, and the same after a restart. */
export function identityHeaderFrom(tokenKey: Uint8Array): string {
  return createHmac('sha256', tokenKey).update('X-IDENTITY-HEADER').digest('hex');
}

export function managedIdentityApp(options: ManagedIdentityOptions): Hono {
  const app = new Hono();
  const forms = [
    { path: imdsTokenPath, answer: answerImds },
    { path: appServiceTokenPath, answer: answerAppService },
  ];
  for (const { path, answer } of forms) {
    // MSAL ends the path with a slash where the environment names the host.
    app.on('GET', [path, `${path}/`], (context) => {
      const request = context.req.raw;
      return options.faults.answer('managedIdentity', faultyCall(context), {
        normal: async () => answer(request, options),
        code: (code, description) => imdsError(400, code, description),
        error: (status, code, message) => imdsError(status, code, message),
      });
    });
  }
  return app;
}

function answerImds(request: Request, options: ManagedIdentityOptions): Response {
  const parameters = new URL(request.url).searchParams;
  // A server that was talked into fetching a URL sends neither this header nor hides that it forwards.
  if (request.headers.get('metadata')?.toLowerCase() !== 'true' || request.headers.has('x-forwarded-for')) {
    return imdsError(400, 'invalid_request', 'Required metadata header not specified');
  }
  if (parameters.get('api-version') !== imdsApiVersion) {
    return imdsError(400, 'invalid_request', `The api-version must be ${imdsApiVersion}.`);
  }
  const problem = problemWithParameters(parameters, 'msi_res_id', options);
  return problem === undefined ? tokenAnswer(parameters, options) : imdsError(400, 'invalid_request', problem);
}

function answerAppService(request: Request, options: ManagedIdentityOptions): Response {
  const parameters = new URL(request.url).searchParams;
  const refuse = (status: number, message: string) =>
    Response.json(
      { statusCode: status, message, correlationId: requestIdsOf(request, options.randomBytes).requestId },
      { status },
    );
  if (!sameText(request.headers.get('x-identity-header') ?? '', options.identityHeader)) {
    return refuse(401, 'The X-IDENTITY-HEADER is missing or wrong.');
  }
  if (parameters.get('api-version') !== appServiceApiVersion) {
    return refuse(400, `The api-version must be ${appServiceApiVersion}.`);
  }
  const problem = problemWithParameters(parameters, 'mi_res_id', options);
  return problem === undefined ? tokenAnswer(parameters, options) : refuse(400, problem);
}

/** The identity may be named in three ways, or not at all. */
function problemWithParameters(
  parameters: URLSearchParams,
  resourceIdName: 'msi_res_id' | 'mi_res_id',
  { records, microsoftUrl }: ManagedIdentityOptions,
): string | undefined {
  const { clientId, objectId, resourceId } = managedIdentityIds(records.tenant);
  const names = { client_id: clientId, object_id: objectId, [resourceIdName]: resourceId };
  for (const [name, known] of Object.entries(names)) {
    const sent = parameters.get(name);
    if (sent !== null && sent.toLowerCase() !== known.toLowerCase()) return 'Identity not found';
  }
  const resource = parameters.get('resource');
  if (!resource) return "The parameter 'resource' is missing.";
  if (isTokenExchange(resource) || audienceOf(resource, microsoftUrl()) !== undefined) return undefined;
  return 'AADSTS500011: The resource principal was not found in the tenant.';
}

function tokenAnswer(parameters: URLSearchParams, options: ManagedIdentityOptions): Response {
  const { records } = options;
  const resource = parameters.get('resource') ?? '';
  const { clientId } = managedIdentityIds(records.tenant);
  const expiresOn = Math.floor(options.now().getTime() / 1000) + tokenLifetimeSeconds;
  return Response.json({
    access_token: identityToken(resource, options),
    client_id: clientId,
    expires_in: String(tokenLifetimeSeconds),
    expires_on: String(expiresOn),
    ext_expires_in: String(tokenLifetimeSeconds),
    not_before: String(expiresOn - tokenLifetimeSeconds),
    resource,
    token_type: 'Bearer',
  });
}

function identityToken(resource: string, { records, tokens, microsoftUrl }: ManagedIdentityOptions): string {
  const { tenant } = records;
  const { clientId, objectId } = managedIdentityIds(tenant);
  const holder = { clientId, objectId, credential: 'certificate' as const };
  if (isTokenExchange(resource)) {
    const issuer = issuerOf(tenant, microsoftUrl());
    return tokens.issue(tenant, { resource: tokenExchangeAudience, issuer, roles: [], holder });
  }
  const audience = audienceOf(resource, microsoftUrl());
  const roles = audience === 'graph' ? tenant.graphRoles : tenant.intuneRoles;
  return tokens.issue(tenant, { resource, issuer: `${microsoftUrl()}/${tenant.tenantId}/`, roles, holder });
}

/** Clients ask for it as a resource, or as a scope. */
function isTokenExchange(resource: string): boolean {
  return resource.replace(/\/(?:\.default)?$/u, '').toLowerCase() === tokenExchangeAudience.toLowerCase();
}

function imdsError(status: number, error: string, description: string): Response {
  return Response.json({ error, error_description: description }, { status });
}

function sameText(received: string, expected: string): boolean {
  const [left, right] = [Buffer.from(received), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}
