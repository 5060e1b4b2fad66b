import { runCall, type Call } from './call.ts';
import type { Diagnostics } from './diagnostics/diagnostics.ts';
import type { AddressRules } from './endpoint-address.ts';
import { findService, readEndpointList, type EndpointList, type EndpointListLocation } from './endpoint-list.ts';
import { IntuneServiceNotFoundError } from './errors.ts';
import type { Lifetime } from './lifetime.ts';
import type { Destination } from './resilience/destination.ts';
import { RefreshedValue, type Fresh } from './resilience/refreshed-value.ts';
import type { ServiceName } from './service-names.ts';

export interface ServiceLocatorOptions extends AddressRules, EndpointListLocation {
  readonly destination: Destination;
  readonly timeoutMs: number;
  readonly locationLifetimeMs: number;
  readonly now: () => Date;
  readonly diagnostics: Diagnostics;
  readonly lifetime: Lifetime;
}

/** One answer of Graph, which names all of Intune's services. */
interface Discovery extends EndpointList {
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
      const list = await destination.perform({ operation: 'discovery', idempotent: true }, call, (http) =>
        readEndpointList(http, this.#options, call),
      );
      const discovery: Discovery = { ...list, background, locations: new Map() };
      // An answer that lacks what is in use is no reason to give that up before it fails.
      for (const serviceName of background && known !== undefined ? known : []) {
        this.#note(serviceName, discovery, call);
      }
      return discovery;
    });
    return { value, refreshAtMs: now().getTime() + locationLifetimeMs, endsAtMs: Number.POSITIVE_INFINITY };
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
