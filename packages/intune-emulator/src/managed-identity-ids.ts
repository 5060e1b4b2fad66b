/** The names of the one managed identity that the emulator's machine has, made from the tenant's. */
import { createHash } from 'node:crypto';
import type { ManagedIdentityIds } from './control-types.ts';
import { tokenExchangeAudience } from './credential-register.ts';
import type { FederatedCredential } from './credential-types.ts';
import { newGuid } from './identifiers.ts';
import type { Tenant } from './model.ts';

export function managedIdentityIds({ tenantId }: Tenant): ManagedIdentityIds {
  const guid = (name: string) =>
    newGuid((size) => createHash('sha256').update(`${tenantId} ${name}`).digest().subarray(0, size));
  return {
    clientId: guid('client'),
    objectId: guid('object'),
    resourceId:
      `/subscriptions/${guid('subscription')}/resourcegroups/scepter/providers/` +
      'Microsoft.ManagedIdentity/userAssignedIdentities/scep-server',
  };
}

/** The issuer of Entra's own tokens of version 2. */
export function issuerOf({ tenantId }: Tenant, microsoftUrl: string): string {
  return `${microsoftUrl}/${tenantId}/v2.0`;
}

/** The managed identity may stand for the application; its tokens are signed by the emulator, not with a public key. */
export function managedIdentityCredential(tenant: Tenant, microsoftUrl: string): FederatedCredential {
  return {
    id: 'managed-identity',
    issuer: issuerOf(tenant, microsoftUrl),
    subject: managedIdentityIds(tenant).objectId,
    audience: tokenExchangeAudience,
    keys: [],
  };
}
