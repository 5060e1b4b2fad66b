import type { HttpConnections } from '../http/http-connections.ts';
import { ClientSecretCredential } from './client-secret-credential.ts';
import type { IntuneCredential } from './credential-options.ts';
import type { TokenCredential } from './token-credential.ts';

/** Where and through what a credential of ours signs in. */
export interface SignIn {
  readonly tenant: string;
  /** Base URL of the sign-in service. */
  readonly authority: URL;
  readonly http: HttpConnections;
}

/** The token credential for a checked `credential` option. */
export function createCredential(credential: IntuneCredential, signIn: SignIn): TokenCredential {
  return 'getToken' in credential ? credential : new ClientSecretCredential({ ...credential, ...signIn });
}
