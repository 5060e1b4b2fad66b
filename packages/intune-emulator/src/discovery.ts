/** The list of endpoints that Graph gives for Intune's service principal, in one page or several. */
import type { Fault } from './fault-types.ts';
import type { Faults } from './faults.ts';
import { newGuid, type RandomBytes } from './identifiers.ts';
import { currentPath, intuneApiAppId, pkiConnectorService, scepService } from './resources.ts';

interface NamedAddress {
  readonly providerName: string;
  readonly uri: string;
}

export interface DiscoveredPage {
  readonly '@odata.nextLink'?: string;
  readonly value: readonly object[];
}

/** Answers the first page or, by the `$skiptoken` of a link of ours, a later one. */
export function discoveredPage(
  url: URL,
  fault: Fault | undefined,
  faults: Faults,
  randomBytes: RandomBytes,
): DiscoveredPage {
  const { page, pages } = pageOf(url, fault);
  const { origin } = url;
  const services = [scepService, pkiConnectorService].map((service) => ({
    providerName: service.name,
    uri: `${origin}${currentPath(service, faults)}`,
  }));
  const shown = page === pages ? withDuplicates(services, fault) : [];
  const value = [decoy(origin, page), ...shown].map((address) => endpoint(address, randomBytes));
  if (page === pages) return { value };
  const override = fault?.kind === 'nextLink' && page === 1 ? fault.location : undefined;
  return { '@odata.nextLink': override ?? linkTo(url, page + 1, pages), value };
}

/** A link of ours says which page it leads to, and of how many; it works as long as anyone follows it. */
function pageOf(url: URL, fault: Fault | undefined): { page: number; pages: number } {
  const [, page, pages] = /^page-(\d{1,2})-of-(\d{1,2})$/u.exec(url.searchParams.get('$skiptoken') ?? '') ?? [];
  if (page !== undefined && Number(page) <= Number(pages)) return { page: Number(page), pages: Number(pages) };
  return { page: 1, pages: fault?.kind === 'nextLink' ? (fault.pages ?? 2) : 1 };
}

function linkTo(url: URL, page: number, pages: number): string {
  const link = new URL(url.pathname, url.origin);
  link.searchParams.set('$skiptoken', `page-${page}-of-${pages}`);
  return link.href;
}

/** Another service, as a real tenant has many. */
function decoy(origin: string, page: number): NamedAddress {
  const providerName = page === 1 ? 'StatelessIWService' : `StatelessIWService${page}`;
  return { providerName, uri: `${origin}/TrafficGateway/TrafficRoutingService/IWService/${providerName}` };
}

/** Where nothing listens. Not port 1, which many HTTP clients refuse to call at all. */
const refusedPort = '2';

function withDuplicates(services: NamedAddress[], fault: Fault | undefined): NamedAddress[] {
  if (fault?.kind !== 'duplicateNames') return services;
  return services.flatMap((service) => {
    const dead = new URL(service.uri);
    if (fault.dead === 'notFound') dead.pathname = `/Retired${dead.pathname}`;
    else dead.port = refusedPort;
    const duplicate = { ...service, uri: dead.href };
    return fault.deadFirst ? [duplicate, service] : [service, duplicate];
  });
}

function endpoint({ providerName, uri }: NamedAddress, randomBytes: RandomBytes): object {
  return {
    id: newGuid(randomBytes),
    deletedDateTime: null,
    capability: providerName,
    providerId: intuneApiAppId,
    providerName,
    uri,
    providerResourceId: providerName,
  };
}
