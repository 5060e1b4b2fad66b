/** Microsoft Graph: only the discovery of a service principal's endpoints, in both spellings of its URL. */
import { Hono } from 'hono';
import { tokenProblemTexts, type AccessTokens } from './access-tokens.ts';
import { discoveredPage } from './discovery.ts';
import type { Fault } from './fault-types.ts';
import { faultyCall } from './faulty-call.ts';
import type { Faults } from './faults.ts';
import type { RandomBytes } from './identifiers.ts';
import { requestIdHeaders, requestIdsOf, type RequestIds } from './request-ids.ts';
import { audienceOf, intuneApiAppId, intuneServicePrincipalAppId, requiredRoles } from './resources.ts';
import type { EmulatorRecords } from './state.ts';

export interface GraphOptions {
  records: EmulatorRecords;
  tokens: AccessTokens;
  faults: Faults;
  now: () => Date;
  randomBytes: RandomBytes;
}

/** `servicePrincipals/appId={id}/endpoints` as Microsoft's client writes it, and the function form of newer ones. */
const endpointsPath = /^\/v1\.0\/servicePrincipals(?:\/appId=([\w-]+)|\(appId='([\w-]+)'\))\/endpoints\/?$/iu;

export function graphApp(options: GraphOptions): Hono {
  const app = new Hono();
  app.get('/v1.0/*', (context) => {
    const request = context.req.raw;
    const appId = servicePrincipalIn(request);
    if (appId === undefined) {
      const message = `Resource not found for the segment '${new URL(request.url).pathname.split('/')[2] ?? ''}'.`;
      return graphError(request, options, 404, 'BadRequest', message);
    }
    return options.faults.answer('discovery', faultyCall(context), {
      normal: async (fault) => answerDiscovery(request, appId, fault, options),
      code: (code, description) => graphError(request, options, 400, code, description),
      error: (status, code, message) => graphError(request, options, status, code, message),
    });
  });
  return app;
}

function servicePrincipalIn(request: Request): string | undefined {
  let path: string;
  try {
    path = decodeURIComponent(new URL(request.url).pathname);
  } catch {
    return undefined;
  }
  const match = endpointsPath.exec(path);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

function answerDiscovery(request: Request, appId: string, fault: Fault | undefined, options: GraphOptions): Response {
  const { records, tokens } = options;
  const { origin } = new URL(request.url);
  const problem = tokens.problemWith(
    request.headers.get('authorization'),
    records.tenant,
    (audience) => audienceOf(audience, origin) === 'graph',
    requiredRoles.graph,
  );
  if (problem === 'role') {
    const message = 'Insufficient privileges to complete the operation.';
    return graphError(request, options, 403, 'Authorization_RequestDenied', message);
  }
  if (problem !== undefined) {
    return graphError(request, options, 401, 'InvalidAuthenticationToken', tokenProblemTexts[problem]);
  }
  if (appId !== intuneServicePrincipalAppId && appId !== intuneApiAppId) {
    const message = `Resource '${appId}' does not exist or one of its queried reference-property objects are not present.`;
    return graphError(request, options, 404, 'Request_ResourceNotFound', message);
  }
  const body = {
    '@odata.context': `https://graph.microsoft.com/v1.0/$metadata#servicePrincipals('${appId}')/endpoints`,
    ...discoveredPage(new URL(request.url), fault, options.faults, options.randomBytes),
  };
  return Response.json(body, { headers: requestIdHeaders(requestIdsOf(request, options.randomBytes)) });
}

function graphError(request: Request, options: GraphOptions, status: number, code: string, message: string): Response {
  const ids: RequestIds = requestIdsOf(request, options.randomBytes);
  const innerError = {
    date: options.now().toISOString().slice(0, 19),
    'request-id': ids.requestId,
    'client-request-id': ids.activityId,
  };
  const headers: Record<string, string> = requestIdHeaders(ids);
  if (status === 401)
    headers['www-authenticate'] =
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"';
  return Response.json({ error: { code, message, innerError } }, { status, headers });
}
