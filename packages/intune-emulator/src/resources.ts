/** The names under which clients ask for tokens, and the ids of Microsoft's applications and services. */
import type { Audience } from './access-tokens.ts';
import type { FaultOperation } from './fault-types.ts';
import type { Faults } from './faults.ts';

/** The discovery service principal that Microsoft's documentation and reference client ask Graph about. */
export const intuneServicePrincipalAppId = '0000000a-0000-0000-c000-000000000000';

/** Application id of the "Microsoft Intune API", the owner of the role `scep_challenge_provider`. */
export const intuneApiAppId = 'c161e42e-d4df-4a3d-9b42-e7a3c31f59d4';

export const requiredRoles: Readonly<Record<Audience, string>> = {
  graph: 'Application.Read.All',
  intune: 'scep_challenge_provider',
};

/** A service of Intune that discovery leads to. */
export interface IntuneService {
  readonly name: string;
  readonly operations: readonly FaultOperation[];
  /** Its path on its host, and the one after it has moved (a fault). */
  readonly path: string;
  readonly movedPath: string;
  /** Hono's pattern for both. */
  readonly anyPath: string;
}

const scepGateway = '/RACerts/ScepRequestValidationFEService';
const pkiGateway = '/RACerts/PkiConnectorFEService';

/** The path is that of a real tenant's discovery. */
export const scepService = {
  name: 'ScepRequestValidationFEService',
  operations: ['validateRequest', 'successNotification', 'failureNotification'],
  path: `${scepGateway}/Gateway/StatelessScepRequestValidationService`,
  movedPath: `${scepGateway}/Gateway2/StatelessScepRequestValidationService`,
  anyPath: `${scepGateway}/:gateway{Gateway2?}/StatelessScepRequestValidationService`,
} as const satisfies IntuneService;

/** Its real path is not published; this one is after the other's. */
export const pkiConnectorService = {
  name: 'PkiConnectorFEService',
  operations: ['downloadRevocationRequests', 'uploadRevocationResults'],
  path: `${pkiGateway}/Gateway/StatelessPkiConnectorService`,
  movedPath: `${pkiGateway}/Gateway2/StatelessPkiConnectorService`,
  anyPath: `${pkiGateway}/:gateway{Gateway2?}/StatelessPkiConnectorService`,
} as const satisfies IntuneService;

/** Where the service is to be found now. */
export function currentPath(service: IntuneService, faults: Faults): string {
  return faults.hasMoved(service.operations) ? service.movedPath : service.path;
}

export function isServedHere(service: IntuneService, request: Request, faults: Faults): boolean {
  return new URL(request.url).pathname.startsWith(`${currentPath(service, faults)}/`);
}

/** The path of `ScepRequestValidationFEService` on its host. */
export const scepServicePath = scepService.path;

const resourceNames: Readonly<Record<Audience, readonly string[]>> = {
  graph: ['https://graph.microsoft.com', '00000003-0000-0000-c000-000000000000'],
  intune: ['https://api.manage.microsoft.com', intuneApiAppId, '0000000a-0000-0000-c000-000000000000'],
};

/**
 * Which API a resource or `aud` names, final slashes aside; undefined for none that the tenant knows. The emulator's
 * own address stands for Graph, since clients derive Graph's scope from its URL.
 */
export function audienceOf(resource: string, ownOrigin: string): Audience | undefined {
  const name = resource.replace(/\/{1,2}$/u, '').toLowerCase();
  if (resourceNames.intune.includes(name)) return 'intune';
  return resourceNames.graph.includes(name) || name === ownOrigin ? 'graph' : undefined;
}
