/**
 * No secret at all: the server runs in Azure (a virtual machine, App Service, Container Apps, Functions) or is connected
 * by Azure Arc, and its managed identity signs in.
 */
import { IntuneClient, type IntuneClientOptions } from '@scepter/intune';

type Tenant = Omit<IntuneClientOptions, 'credential'>;

/** The identity's own service principal has been granted `scep_challenge_provider` and `Application.Read.All`. */
export function connectWithManagedIdentity(tenant: Tenant): IntuneClient {
  return new IntuneClient({ ...tenant, credential: { managedIdentity: true } });
}

/**
 * The application has the two permissions, and trusts a user-assigned identity by a federated credential.
 *
 * @param clientId the application's
 * @param identityClientId the identity's
 */
export function connectAsApplication(tenant: Tenant, clientId: string, identityClientId: string): IntuneClient {
  const federatedToken = { managedIdentity: { clientId: identityClientId } };
  return new IntuneClient({ ...tenant, credential: { clientId, federatedToken } });
}
