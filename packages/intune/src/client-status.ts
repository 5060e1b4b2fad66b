import type { ConnectedServices } from './connect-services.ts';
import type { DestinationName } from './service-names.ts';
import type { CircuitStatus } from './resilience/circuit-breaker.ts';
import type { LocationStatus } from './service-locator.ts';
import type { TokenStatus } from './token-source.ts';

/** How a client is doing, as a health check or a status page wants to know it. It holds no secret. */
export interface IntuneClientStatus {
  /** Whether `close()` was called. */
  readonly isClosed: boolean;
  /** The circuit breaker of each service. */
  readonly circuits: Readonly<Record<DestinationName, CircuitStatus>>;
  /** The tokens at hand; absent until the first one was fetched. */
  readonly tokens: { readonly graph?: TokenStatus; readonly intune?: TokenStatus };
  readonly locations: LocationStatus;
  /** When the next download of revocation requests is allowed; absent when it is allowed now, as far as the client knows. */
  readonly nextRevocationDownloadAt?: Date;
}

export function clientStatus(
  services: ConnectedServices,
  nextRevocationDownloadAt: Date | undefined,
): IntuneClientStatus {
  const { health, graph, intune, locator, lifetime } = services;
  const graphToken = graph.tokens.status;
  const intuneToken = intune.tokens.status;
  return {
    isClosed: lifetime.isOver,
    circuits: {
      entra: health.entra.status,
      graph: health.graph.status,
      scep: health.scep.status,
      pkiConnector: health.pkiConnector.status,
    },
    tokens: {
      ...(graphToken === undefined ? {} : { graph: graphToken }),
      ...(intuneToken === undefined ? {} : { intune: intuneToken }),
    },
    locations: locator.status,
    ...(nextRevocationDownloadAt === undefined ? {} : { nextRevocationDownloadAt }),
  };
}
