import { sendAuthorized, type AuthorizedService } from './authorized-requests.ts';
import { runCall, untilAborted, type Call } from './call.ts';
import { checkEndpointAddress } from './endpoint-address.ts';
import { IntuneServiceNotFoundError } from './errors.ts';
import { isObject } from './http/error-detail.ts';
import type { HttpConnections } from './http/http-connections.ts';
import { SharedFlight } from './shared-flight.ts';

/** Application id of Intune in every tenant. */
const intuneApplicationId = '0000000a-0000-0000-c000-000000000000';

/** Intune's services as discovery lists them. */
export type ServiceName = 'ScepRequestValidationFEService' | 'PkiConnectorFEService';

export interface ServiceLocatorOptions {
  readonly http: HttpConnections;
  readonly graph: AuthorizedService;
  readonly graphUrl: URL;
  readonly allowLoopback: boolean;
  readonly timeoutMs: number;
}

/** Knows where the tenant's Intune services are: asks Microsoft Graph once, for all who wait. */
export class ServiceLocator {
  readonly #options: ServiceLocatorOptions;
  readonly #flight = new SharedFlight<readonly unknown[]>();
  readonly #located = new Map<ServiceName, URL>();

  constructor(options: ServiceLocatorOptions) {
    this.#options = options;
  }

  /**
   * @throws {IntuneServiceNotFoundError} when Graph names no such service, or one at a foreign address; and what
   * sign-in and HTTP throw
   */
  async locate(serviceName: ServiceName, call: Call): Promise<URL> {
    const located = this.#located.get(serviceName);
    if (located !== undefined) {
      return located;
    }
    const endpoints = await untilAborted(
      this.#flight.join(() => this.#discover(call.activityId)),
      call.signal,
    );
    const location = this.#choose(serviceName, endpoints, call);
    this.#located.set(serviceName, location);
    return location;
  }

  /** Called when the service was not there; the next call asks again. A location found since then stays. */
  forget(serviceName: ServiceName, location: URL): void {
    if (this.#located.get(serviceName) === location) {
      this.#located.delete(serviceName);
    }
  }

  /** Under a limit of its own: others may wait for it after the first caller has given up. */
  async #discover(activityId: string): Promise<readonly unknown[]> {
    const { timeoutMs } = this.#options;
    return runCall(activityId, { timeoutMs }, (call) => this.#askGraph(call));
  }

  async #askGraph(call: Call): Promise<readonly unknown[]> {
    const { http, graph, graphUrl } = this.#options;
    const url = new URL(
      `${graphUrl.href.replace(/\/+$/, '')}/v1.0/servicePrincipals/appId=${intuneApplicationId}/endpoints`,
    );
    const answer = await sendAuthorized(http, graph, { method: 'GET', url, headers: {}, secrets: {} }, call);
    const { activityId } = call;
    if (answer.status === 404) {
      const message = 'The tenant has no Intune service principal: it needs an Intune licence';
      throw new IntuneServiceNotFoundError(message, { activityId, cause: answer.statusError(graph.name, call) });
    }
    if (answer.status !== 200) {
      throw answer.statusError(graph.name, call);
    }
    const endpoints = answer.jsonObject()?.['value'];
    if (!Array.isArray(endpoints)) {
      throw answer.badReply(graph.name, 'without a list of endpoints', call);
    }
    return endpoints;
  }

  #choose(serviceName: ServiceName, endpoints: readonly unknown[], { activityId }: Call): URL {
    const endpoint = findService(serviceName, endpoints);
    if (endpoint === undefined) {
      const message = `Microsoft Graph names no ${serviceName} among the tenant's ${endpoints.length} Intune endpoints: check the Intune licence and the application's permissions and consent`;
      throw new IntuneServiceNotFoundError(message, { activityId });
    }
    const checked = checkEndpointAddress(endpoint['uri'], { allowLoopback: this.#options.allowLoopback });
    if ('problem' in checked) {
      const message = `The address of ${serviceName} is refused: ${checked.problem}`;
      throw new IntuneServiceNotFoundError(message, { code: 'intune.endpoint_refused', activityId });
    }
    return checked.url;
  }
}

/** The first entry that bears the service's name in any of the members that have held it; names occur twice. */
function findService(serviceName: ServiceName, endpoints: readonly unknown[]): Record<string, unknown> | undefined {
  const wanted = serviceName.toLowerCase();
  const isNamed = (value: unknown): boolean => typeof value === 'string' && value.toLowerCase() === wanted;
  return endpoints
    .filter(isObject)
    .find(({ providerName, serviceName, capability }) => [providerName, serviceName, capability].some(isNamed));
}
