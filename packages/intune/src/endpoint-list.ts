/** Microsoft Graph's list of a tenant's Intune endpoints, and what it says about one service. */
import { sendAuthorized, type AuthorizedService } from './authorized-requests.ts';
import { withoutTrailingSlash } from './base-url.ts';
import type { Call } from './call.ts';
import { checkEndpointAddress, type AddressRules } from './endpoint-address.ts';
import { IntuneServiceNotFoundError, type ServiceNotFoundReason } from './errors.ts';
import type { HttpAnswer } from './http/answer.ts';
import { isObject } from './http/error-detail.ts';
import type { HttpSender } from './http/http-sender.ts';
import { describeRoles, hasPermission } from './permissions.ts';
import type { ServiceName } from './service-names.ts';

/** Graph's list has some dozens of endpoints, on one page. */
const mostPages = 10;
/** Names have been seen twice; more often than this is no list to walk through within a call. */
const mostLocations = 10;

export interface EndpointListLocation {
  readonly graph: AuthorizedService;
  readonly graphUrl: URL;
  readonly graphApiVersion: string;
  readonly intuneApplicationId: string;
}

export interface EndpointList {
  readonly endpoints: readonly Record<string, unknown>[];
  /** Of the token that led to it; they tell why something is missing. `undefined` when it can't be read. */
  readonly roles: readonly string[] | undefined;
}

/**
 * Reads the list, page by page.
 * @throws {IntuneServiceNotFoundError} when the tenant has no service principal of Intune; and what HTTP throws
 */
export async function readEndpointList(
  http: HttpSender,
  location: EndpointListLocation,
  call: Call,
): Promise<EndpointList> {
  const { graph, graphUrl } = location;
  const endpoints: Record<string, unknown>[] = [];
  let url: URL | undefined = firstPage(location);
  for (let page = 1; ; page += 1) {
    const request = { method: 'GET', url, headers: {}, secrets: {} } as const;
    const { answer, roles } = await sendAuthorized(http, graph, request, call);
    const body = readPage(answer, roles, graph, call);
    endpoints.push(...body.endpoints);
    if (body.nextLink === undefined) {
      return { endpoints, roles };
    }
    url = nextPage(body.nextLink, graphUrl);
    if (url === undefined || page === mostPages) {
      const problem = url === undefined ? 'with a continuation at another place' : `with over ${mostPages} pages`;
      throw answer.badReply(graph.name, problem, call);
    }
  }
}

function readPage(
  answer: HttpAnswer,
  roles: readonly string[] | undefined,
  graph: AuthorizedService,
  call: Call,
): { endpoints: Record<string, unknown>[]; nextLink: unknown } {
  if (answer.status === 404) {
    const cause = answer.statusError(graph.name, call);
    throw notFound('The tenant has no service principal of Intune', roles, call, cause);
  }
  if (answer.status !== 200) {
    throw answer.statusError(graph.name, call);
  }
  const body = answer.jsonObject();
  const value = body?.['value'];
  if (!Array.isArray(value)) {
    throw answer.badReply(graph.name, 'without a list of endpoints', call);
  }
  return { endpoints: value.filter(isObject), nextLink: body?.['@odata.nextLink'] ?? undefined };
}

function firstPage({ graphUrl, graphApiVersion, intuneApplicationId }: EndpointListLocation): URL {
  const path = `${graphApiVersion}/servicePrincipals/appId=${intuneApplicationId}/endpoints`;
  return new URL(`${withoutTrailingSlash(graphUrl)}/${path}`);
}

/** Only where the first page was: Graph's token goes there. `URL.origin` includes the scheme, which is https. */
function nextPage(link: unknown, graphUrl: URL): URL | undefined {
  const url = typeof link === 'string' && URL.canParse(link) ? new URL(link) : undefined;
  const isSame = url?.origin === graphUrl.origin && url.username === '' && url.password === '';
  return isSame ? url : undefined;
}

/** The addresses under the service's name that may be given a token, each once; at least one. */
export function findService(
  serviceName: ServiceName,
  { endpoints, roles }: EndpointList,
  rules: AddressRules,
  call: Call,
): readonly URL[] {
  const named = endpoints.filter((endpoint) => namesOf(endpoint).some((name) => isNamed(name, serviceName)));
  if (named.length === 0) {
    const message = `Microsoft Graph names no ${serviceName} among the tenant's ${endpoints.length} Intune endpoints`;
    throw notFound(message, roles, call);
  }
  const checked = named.slice(0, mostLocations).map(({ uri }) => checkEndpointAddress(uri, rules));
  const allowed = checked.flatMap((each) => ('url' in each ? [each.url] : []));
  if (allowed.length === 0) {
    const problems = checked.flatMap((each) => ('problem' in each ? [each.problem] : []));
    const message = `The address of ${serviceName} is refused: ${problems[0]}`;
    throw new IntuneServiceNotFoundError('address', message, { activityId: call.activityId });
  }
  return [...new Map(allowed.map((url) => [url.href, url])).values()];
}

/** The names under which Graph lists an endpoint: a service has borne its own in any of these members. */
export function namesOf({ providerName, serviceName, capability }: Record<string, unknown>): string[] {
  return [providerName, serviceName, capability].filter((name) => typeof name === 'string');
}

/** Whether a listed name is the service's; letter case differs between tenants. */
export function isNamed(name: string, wanted: ServiceName): boolean {
  return name.toLowerCase() === wanted.toLowerCase();
}

/** Graph hides from applications without permission what it shows to others, so the token's roles tell the reason. */
function notFound(
  found: string,
  roles: readonly string[] | undefined,
  { activityId }: Call,
  cause?: unknown,
): IntuneServiceNotFoundError {
  const permission = 'Application.Read.All';
  const reason: ServiceNotFoundReason =
    roles === undefined || hasPermission(roles, permission) ? 'licence' : roles.length === 0 ? 'consent' : 'permission';
  const advice =
    reason === 'licence'
      ? `The tenant needs a licence of Intune that is active${roles === undefined ? `, and the application the permission ${permission} with an administrator's consent` : ''}.`
      : describeRoles(roles, permission);
  return new IntuneServiceNotFoundError(reason, `${found}. ${advice}`, { activityId, cause });
}
