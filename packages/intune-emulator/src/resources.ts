/** The names under which clients ask for tokens, and the ids of Microsoft's applications and services. */
import type { Audience } from './access-tokens.ts';

/** The discovery service principal that Microsoft's documentation and reference client ask Graph about. */
export const intuneServicePrincipalAppId = '0000000a-0000-0000-c000-000000000000';

/** Application id of the "Microsoft Intune API", the owner of the role `scep_challenge_provider`. */
export const intuneApiAppId = 'c161e42e-d4df-4a3d-9b42-e7a3c31f59d4';

export const requiredRoles: Readonly<Record<Audience, string>> = {
  graph: 'Application.Read.All',
  intune: 'scep_challenge_provider',
};

/** The path of `ScepRequestValidationFEService` on its host, as a real tenant's discovery showed it. */
export const scepServicePath = '/RACerts/ScepRequestValidationFEService/Gateway/StatelessScepRequestValidationService';

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
