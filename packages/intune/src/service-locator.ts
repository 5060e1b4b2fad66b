import { sendAuthorized, type AuthorizedService } from './authorized-requests.ts';
import { runCall, untilAborted, type Call } from './call.ts';
import { checkEndpointAddress } from './endpoint-address.ts';
import { IntuneServiceNotFoundError } from './errors.ts';
import { isObject } from './http/error-detail.ts';
import type { HttpConnections } from './http/http-connections.ts';
import { SharedFlight } from './shared-flight.ts';

/** Application id of Intune in every tenant. */
const intuneApplicationId = '0000000a-0000-0000-c000-000000000000';
const scepServiceName = 'ScepRequestValidationFEService';

export interface ServiceLocatorOptions {
  readonly http: HttpConnections;
  readonly graph: AuthorizedService;
  readonly graphUrl: URL;
  readonly allowLoopback: boolean;
  readonly timeoutMs: number;
}

/** Knows where the tenant's SCEP validation service is: asks Microsoft Graph once, for all who wait. */
export class ServiceLocator {
  readonly #options: ServiceLocatorOptions;
  readonly #flight = new SharedFlight<URL>();
  #located: URL | undefined;

  constructor(options: ServiceLocatorOptions) {
    this.#options = options;
  }

  /**
   * @throws {IntuneServiceNotFoundError} when Graph names no such service, or one at a foreign address; and what
   * sign-in and HTTP throw
   */
  async locate(call: Call): Promise<URL> {
    if (this.#located !== undefined) {
      return this.#located;
    }
    return untilAborted(
      this.#flight.join(() => this.#discover(call.activityId)),
      call.signal,
    );
  }

  /** Called when the service was not there; the next call asks again. A location found since then stays. */
  forget(location: URL): void {
    if (this.#located === location) {
      this.#located = undefined;
    }
  }

  /** Under a limit of its own: others may wait for it after the first caller has given up. */
  async #discover(activityId: string): Promise<URL> {
    const { timeoutMs } = this.#options;
    this.#located = await runCall(activityId, { timeoutMs }, (call) => this.#askGraph(call));
    return this.#located;
  }

  async #askGraph(call: Call): Promise<URL> {
    const { http, graph, graphUrl, allowLoopback } = this.#options;
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
    const endpoint = findScepService(endpoints);
    if (endpoint === undefined) {
      const message = `Microsoft Graph names no ${scepServiceName} among the tenant's ${endpoints.length} Intune endpoints: check the Intune licence and the application's permissions and consent`;
      throw new IntuneServiceNotFoundError(message, { activityId });
    }
    const checked = checkEndpointAddress(endpoint['uri'], { allowLoopback });
    if ('problem' in checked) {
      const message = `The address of ${scepServiceName} is refused: ${checked.problem}`;
      throw new IntuneServiceNotFoundError(message, { code: 'intune.endpoint_refused', activityId });
    }
    return checked.url;
  }
}

/** The first entry that bears the service's name in any of the members that have held it; names occur twice. */
function findScepService(endpoints: readonly unknown[]): Record<string, unknown> | undefined {
  const wanted = scepServiceName.toLowerCase();
  const isNamed = (value: unknown): boolean => typeof value === 'string' && value.toLowerCase() === wanted;
  return endpoints
    .filter(isObject)
    .find(({ providerName, serviceName, capability }) => [providerName, serviceName, capability].some(isNamed));
}
