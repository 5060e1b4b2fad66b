import { ConfidentialClientApplication } from '@azure/msal-node';
import { randomUUID } from 'node:crypto';
import { withoutTrailingSlash } from '../base-url.ts';
import type { Call } from '../call.ts';
import { IntuneAuthenticationError } from '../errors.ts';
import { copyCause } from '../http/foreign-cause.ts';
import type { ClientProof, ProveClient } from './client-proof.ts';
import type { SignIn } from './sign-in.ts';
import { MsalNetwork } from './msal-network.ts';
import type { AccessToken, GetTokenOptions, TokenCredential } from './token-credential.ts';

export interface ApplicationCredentialOptions extends SignIn {
  readonly clientId: string;
  readonly prove: ProveClient;
}

/** Signs in as an application (OAuth 2.0 client credentials, RFC 6749 4.4). */
export class ApplicationCredential implements TokenCredential {
  readonly #options: ApplicationCredentialOptions;

  constructor(options: ApplicationCredentialOptions) {
    this.#options = options;
  }

  /** @throws {IntuneAuthenticationError} and what HTTP throws; the abort signal's reason when that is aborted */
  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const { activityId = randomUUID(), abortSignal: signal = new AbortController().signal } = options;
    const call: Call = { activityId, signal };
    const proof = await this.#options.prove(call);
    signal.throwIfAborted();
    return this.#signIn([scopes].flat(), proof, call);
  }

  async #signIn(scopes: string[], proof: ClientProof, call: Call): Promise<AccessToken> {
    const { activityId } = call;
    const network = new MsalNetwork(this.#options.http, call, { tokens: proof.secrets });
    try {
      const result = await this.#newApplication(proof, network).acquireTokenByClientCredential({
        scopes,
        correlationId: activityId,
      });
      if (result === null || result.expiresOn === null) {
        throw new Error('the answer has no lifetime');
      }
      return { token: result.accessToken, expiresOnTimestamp: result.expiresOn.getTime() };
    } catch (error) {
      if (network.failure !== undefined) {
        throw network.failure;
      }
      const cause = copyCause(error, { tokens: proof.secrets });
      throw new IntuneAuthenticationError(`Sign-in failed: ${cause?.message}`, { activityId, cause });
    }
  }

  /** An application per request: its cache starts empty, so MSAL neither returns a refused token nor throttles unseen. */
  #newApplication({ auth }: ClientProof, networkClient: MsalNetwork): ConfidentialClientApplication {
    const { clientId, tenant, authority } = this.#options;
    const base = `${withoutTrailingSlash(authority)}/${tenant}`;
    return new ConfidentialClientApplication({
      auth: {
        ...auth,
        clientId,
        authority: base,
        // Both together keep MSAL from asking the network, or the environment (MSAL_FORCE_REGION), where to sign in.
        knownAuthorities: [authority.host],
        authorityMetadata: JSON.stringify({
          issuer: `${base}/v2.0`,
          authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
          token_endpoint: `${base}/oauth2/v2.0/token`,
          jwks_uri: `${base}/discovery/v2.0/keys`,
        }),
      },
      system: { networkClient, disableInternalRetries: true },
    });
  }
}
