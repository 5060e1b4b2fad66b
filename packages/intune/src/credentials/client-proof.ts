import type { Configuration } from '@azure/msal-node';
import type { Call } from '../call.ts';

/** What proves to Microsoft Entra, for one sign-in, that we are the application. */
export interface ClientProof {
  /** As MSAL takes it: secret, certificate or assertion. */
  readonly auth: Pick<Configuration['auth'], 'clientSecret' | 'clientCertificate' | 'clientAssertion'>;
  /** What no error may show. */
  readonly secrets: readonly string[];
}

/**
 * Gets the proof anew for each sign-in, so that whatever has been replaced since is used.
 * @throws {IntuneAuthenticationError} when there is none to be had
 */
export type ProveClient = (call: Call) => Promise<ClientProof>;
