import { sendAuthorized, type AuthorizedService } from './authorized-requests.ts';
import { runCall, type Call } from './call.ts';
import type { Diagnostics } from './diagnostics/diagnostics.ts';
import { checkEndpointAddress, type AddressRules } from './endpoint-address.ts';
import { IntuneServiceNotFoundError, type ServiceNotFoundReason } from './errors.ts';
import type { HttpAnswer } from './http/answer.ts';
import { isObject } from './http/error-detail.ts';
import type { HttpSender } from './http/http-sender.ts';
import type { Lifetime } from './lifetime.ts';
import { describeRoles, hasPermission } from './permissions.ts';
import type { Destination } from './resilience/destination.ts';
import { RefreshedValue, type Fresh } from './resilience/refreshed-value.ts';

/** Intune's services as discovery lists them. */
export type ServiceName = 'ScepRequestValidationFEService' | 'PkiConnectorFEService';

/** Graph's list has some dozens of endpoints, on one page. */
const mostPages = 10;
/** Names have been seen twice; more often than this is no list to walk through within a call. */
const mostLocations = 10;

export interface ServiceLocatorOptions extends AddressRules {
  readonly destination: Destination;
  readonly graph: AuthorizedService;
  readonly graphUrl: URL;
  readonly graphApiVersion: string;
  readonly intuneApplicationId: string;
  readonly timeoutMs: number;
  readonly locationLifetimeMs: number;
  readonly now: () => Date;
  readonly diagnostics: Diagnostics;
  readonly lifetime: Lifetime;
}

/** One answer of Graph, which names all of Intune's services. */
interface Discovery {
  readonly endpoints: readonly Record<string, unknown>[];
  readonly roles: readonly string[] | undefined;
  readonly background: boolean;
  /** What was made of it so far. */
  readonly locations: Map<ServiceName, readonly URL[]>;
}

/** What is known about the location of the services. */
export interface LocationStatus {
  /** Host and port of each service asked for so far, the one in use first. */
  readonly hosts: Readonly<Partial<Record<ServiceName, readonly string[]>>>;
  /** Whether looking them up anew has failed; it is tried again. */
  readonly isRefreshFailing: boolean;
}

/** Knows where the tenant's Intune services are: asks Microsoft Graph once, for all who wait and for all services. */
export class ServiceLocator {
  readonly #options: ServiceLocatorOptions;
  readonly #discoveries: RefreshedValue<Discovery>;
  /** Addresses that gave no answer, for the case that Graph gives none either. */
  readonly #doubtful = new Map<ServiceName, readonly URL[]>();
  /** The address that answered last. */
  readonly #preferred = new Map<ServiceName, string>();

  constructor(options: ServiceLocatorOptions) {
    this.#options = options;
    const { now, lifetime, diagnostics } = options;
    this.#discoveries = new RefreshedValue({
      now,
      lifetime,
      tracing: diagnostics.tracing,
      fetch: (activityId, background) => this.#discover(activityId, background),
    });
  }

  /**
   * The service's addresses, to be tried in this order; at least one.
   * @throws {IntuneServiceNotFoundError} when Graph names no such service, or only at foreign addresses; and what
   * sign-in and HTTP throw
   */
  async locate(serviceName: ServiceName, call: Call): Promise<readonly URL[]> {
    let discovery: Discovery;
    try {
      discovery = await this.#discoveries.get(call);
    } catch (error) {
      const doubtful = this.#doubtful.get(serviceName);
      if (doubtful === undefined || call.signal.aborted || error instanceof IntuneServiceNotFoundError) {
        throw error;
      }
      return doubtful;
    }
    try {
      return discovery.locations.get(serviceName) ?? this.#note(serviceName, discovery, call);
    } catch (error) {
      this.#discoveries.drop(discovery); // What is missing today may be there when it is asked for next.
      throw error;
    }
  }

  /** Everything that Graph lists, of whatever name and at whatever address; for whoever examines a connection. */
  async list(call: Call): Promise<readonly Record<string, unknown>[]> {
    return (await this.#discoveries.get(call)).endpoints;
  }

  /** Called when a service has answered at an address: the next call begins there. */
  prefer(serviceName: ServiceName, location: URL): void {
    this.#doubtful.delete(serviceName);
    this.#preferred.set(serviceName, location.href);
    const locations = this.#discoveries.current?.value.locations;
    const known = locations?.get(serviceName);
    if (locations !== undefined && known !== undefined && known[0]?.href !== location.href) {
      locations.set(serviceName, this.#inOrder(serviceName, known));
    }
  }

  /**
   * Called when a service was at none of its addresses; Graph is asked again. What was found since then stays.
   * @param isGone the service is known not to be there, so that its addresses are of no use any more
   */
  forget(serviceName: ServiceName, locations: readonly URL[], isGone: boolean): void {
    const discovery = this.#discoveries.current?.value;
    if (discovery === undefined || discovery.locations.get(serviceName) !== locations) {
      return;
    }
    this.#discoveries.drop(discovery);
    this.#discoveries.abandonFlight();
    if (isGone) {
      this.#doubtful.delete(serviceName);
    } else {
      this.#doubtful.set(serviceName, locations);
    }
  }

  get status(): LocationStatus {
    const locations = [...(this.#discoveries.current?.value.locations ?? [])];
    return {
      hosts: Object.fromEntries(locations.map(([name, urls]) => [name, urls.map(({ host }) => host)])),
      isRefreshFailing: this.#discoveries.isRefreshFailing,
    };
  }

  /** Under a limit of its own: others may wait for it after the first caller has given up. */
  async #discover(activityId: string, background: boolean): Promise<Fresh<Discovery>> {
    const { timeoutMs, destination, now, locationLifetimeMs, lifetime } = this.#options;
    const limits = { timeoutMs, signal: background ? lifetime.closing : lifetime.closed };
    const known = this.#discoveries.current?.value.locations.keys();
    const value = await runCall(activityId, limits, async (call) => {
      const discovery = await destination.perform({ operation: 'discovery', idempotent: true }, call, (http) =>
        this.#readPages(http, background, call),
      );
      // An answer that lacks what is in use is no reason to give that up before it fails.
      for (const serviceName of background && known !== undefined ? known : []) {
        this.#note(serviceName, discovery, call);
      }
      return discovery;
    });
    return { value, refreshAtMs: now().getTime() + locationLifetimeMs, endsAtMs: Number.POSITIVE_INFINITY };
  }

  async #readPages(http: HttpSender, background: boolean, call: Call): Promise<Discovery> {
    const { graph } = this.#options;
    const endpoints: Record<string, unknown>[] = [];
    let url: URL | undefined = this.#firstPage();
    for (let page = 1; ; page += 1) {
      const request = { method: 'GET', url, headers: {}, secrets: {} } as const;
      const { answer, roles } = await sendAuthorized(http, graph, request, call);
      const body = this.#readPage(answer, roles, call);
      endpoints.push(...body.endpoints);
      if (body.nextLink === undefined) {
        return { endpoints, roles, background, locations: new Map() };
      }
      url = this.#nextPage(body.nextLink);
      if (url === undefined || page === mostPages) {
        const problem = url === undefined ? 'with a continuation at another place' : `with over ${mostPages} pages`;
        throw answer.badReply(graph.name, problem, call);
      }
    }
  }

  #readPage(
    answer: HttpAnswer,
    roles: readonly string[] | undefined,
    call: Call,
  ): { endpoints: Record<string, unknown>[]; nextLink: unknown } {
    const { graph } = this.#options;
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

  #firstPage(): URL {
    const { graphUrl, graphApiVersion, intuneApplicationId } = this.#options;
    const base = graphUrl.href.replace(/\/+$/, '');
    return new URL(`${base}/${graphApiVersion}/servicePrincipals/appId=${intuneApplicationId}/endpoints`);
  }

  /** Only where the first page was: Graph's token goes there. `URL.origin` includes the scheme, which is https. */
  #nextPage(link: unknown): URL | undefined {
    const url = typeof link === 'string' && URL.canParse(link) ? new URL(link) : undefined;
    const isSame = url?.origin === this.#options.graphUrl.origin && url.username === '' && url.password === '';
    return isSame ? url : undefined;
  }

  #note(serviceName: ServiceName, discovery: Discovery, call: Call): readonly URL[] {
    const { background } = discovery;
    const locations = this.#inOrder(serviceName, findService(serviceName, discovery, this.#options, call));
    discovery.locations.set(serviceName, locations);
    const host = locations[0]?.host ?? '';
    this.#options.diagnostics.emit({ type: 'location', serviceName, host, background });
    return locations;
  }

  #inOrder(serviceName: ServiceName, locations: readonly URL[]): readonly URL[] {
    const preferred = this.#preferred.get(serviceName);
    const isPreferred = ({ href }: URL): boolean => href === preferred;
    return [...locations.filter(isPreferred), ...locations.filter((each) => !isPreferred(each))];
  }
}

/** The addresses under the service's name that may be given a token, each once; at least one. */
function findService(
  serviceName: ServiceName,
  { endpoints, roles }: Discovery,
  rules: AddressRules,
  call: Call,
): readonly URL[] {
  const named = endpoints.filter((endpoint) => bears(endpoint, serviceName));
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

/** Entries have borne the service's name in any of these members. */
function bears({ providerName, serviceName, capability }: Record<string, unknown>, wanted: ServiceName): boolean {
  return [providerName, serviceName, capability].some(
    (value) => typeof value === 'string' && value.toLowerCase() === wanted.toLowerCase(),
  );
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
