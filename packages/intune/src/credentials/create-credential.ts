import { ApplicationCredential } from './application-credential.ts';
import { proveByCertificate, proveByCertificateFile } from './client-certificate.ts';
import type { ProveClient } from './client-proof.ts';
import { proveBySecret, proveBySecretFile } from './client-secret.ts';
import type { IntuneCredential, ManagedIdentity, WorkloadIdentity } from './credential-options.ts';
import { proveByCallback, proveByManagedIdentity, proveByTokenFile } from './federated-token.ts';
import { ManagedIdentityCredential } from './managed-identity/managed-identity-credential.ts';
import type { SignIn } from './sign-in.ts';
import type { TokenCredential } from './token-credential.ts';

/** The token credential for a checked `credential` option. */
export function createCredential(credential: IntuneCredential, signIn: SignIn): TokenCredential {
  if ('getToken' in credential) {
    return credential;
  }
  if ('managedIdentity' in credential) {
    return newManagedIdentity(credential, signIn);
  }
  return new ApplicationCredential({ ...signIn, clientId: credential.clientId, prove: newProof(credential, signIn) });
}

type ApplicationKind = Exclude<IntuneCredential, TokenCredential | ManagedIdentity>;

function newProof(credential: ApplicationKind, signIn: SignIn): ProveClient {
  const { now = () => new Date() } = signIn;
  if ('clientSecret' in credential) {
    return proveBySecret(credential.clientSecret);
  }
  if ('clientSecretFile' in credential) {
    return proveBySecretFile(credential.clientSecretFile);
  }
  if ('certificate' in credential) {
    return proveByCertificate(credential, { ...credential, now });
  }
  if ('certificateFile' in credential) {
    return proveByCertificateFile(credential, { ...credential, now });
  }
  return newFederation(credential.federatedToken, signIn);
}

function newFederation(source: WorkloadIdentity['federatedToken'], signIn: SignIn): ProveClient {
  if (typeof source === 'function') {
    return proveByCallback(source);
  }
  return 'file' in source
    ? proveByTokenFile(source.file)
    : proveByManagedIdentity(newManagedIdentity(source, signIn), source.audience ?? signIn.tokenExchangeAudience);
}

function newManagedIdentity(
  { managedIdentity, environment }: ManagedIdentity,
  signIn: SignIn,
): ManagedIdentityCredential {
  const { http, now = () => new Date() } = signIn;
  // oxlint-disable-next-line node/no-process-env -- It is how Azure's platforms name the endpoint of the identity.
  return new ManagedIdentityCredential({ id: managedIdentity, environment: environment ?? process.env, http, now });
}
