import type { IntuneServices } from './actions/service-action.ts';
import type { AuthorizedService } from './authorized-requests.ts';
import { CurrentCredential } from './credentials/current-credential.ts';
import { Diagnostics } from './diagnostics/diagnostics.ts';
import type { DestinationName } from './service-names.ts';
import { HttpConnections } from './http/http-connections.ts';
import { Lifetime } from './lifetime.ts';
import type { CheckedOptions } from './options.ts';
import type { PermissionName } from './permissions.ts';
import { Destination } from './resilience/destination.ts';
import { ServiceLocator } from './service-locator.ts';
import { scopeOf, TokenSource, type TokenAudience } from './token-source.ts';

/** The parts of a client, put together. */
export interface ConnectedServices extends IntuneServices {
  readonly http: HttpConnections;
  readonly diagnostics: Diagnostics;
  readonly lifetime: Lifetime;
  readonly credential: CurrentCredential;
  readonly graph: AuthorizedService;
  readonly health: Readonly<Record<DestinationName, Destination>>;
}

/** Puts the parts together: connections, destinations, credential, a token source for each service, and the locator. */
export function connectServices(options: CheckedOptions): ConnectedServices {
  const { connection, attemptTimeoutMs, timeoutMs, now, tenant, authority, tokenExchangeAudience } = options;
  // Shorter than an attempt, so that a connection that does not come about is told from an answer that got lost.
  const http = new HttpConnections({ ...connection, connectTimeoutMs: Math.ceil(attemptTimeoutMs / 2) });
  const diagnostics = new Diagnostics(options.onEvent);
  const lifetime = new Lifetime();
  const destination = (name: DestinationName): Destination =>
    new Destination(name, { ...options, http, diagnostics, lifetime });
  const health = {
    entra: destination('entra'),
    graph: destination('graph'),
    scep: destination('scep'),
    pkiConnector: destination('pkiConnector'),
  };
  const credential = new CurrentCredential({
    credential: options.credential,
    tenant,
    authority,
    tokenExchangeAudience,
    entra: health.entra,
    now,
  });
  const service = (name: string, audience: TokenAudience, permission: PermissionName): AuthorizedService => {
    const scope = scopeOf(audience, options);
    const tokens = new TokenSource({ credential, scope, audience, timeoutMs, now, diagnostics, lifetime });
    return { name, tokens, permission };
  };
  const graph = service('Microsoft Graph', 'graph', 'Application.Read.All');
  const intune = service('Intune', 'intune', 'scep_challenge_provider');
  const locator = new ServiceLocator({ ...options, destination: health.graph, graph, diagnostics, lifetime });
  const destinations = {
    ScepRequestValidationFEService: health.scep,
    PkiConnectorFEService: health.pkiConnector,
  };
  return { http, diagnostics, lifetime, credential, graph, intune, locator, destinations, health };
}
