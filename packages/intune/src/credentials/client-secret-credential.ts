import { ConfidentialClientApplication } from '@azure/msal-node';
import { randomUUID } from 'node:crypto';
import type { Call } from '../call.ts';
import { IntuneAuthenticationError } from '../errors.ts';
import { copyCause } from '../http/foreign-cause.ts';
import type { ClientSecret } from './credential-options.ts';
import type { SignIn } from './create-credential.ts';
import { MsalNetwork } from './msal-network.ts';
import type { AccessToken, GetTokenOptions, TokenCredential } from './token-credential.ts';

export type ClientSecretCredentialOptions = ClientSecret & SignIn;

/** Signs in as an application with a client secret (OAuth 2.0 client credentials, RFC 6749 4.4). */
export class ClientSecretCredential implements TokenCredential {
  readonly #options: ClientSecretCredentialOptions;

  constructor(options: ClientSecretCredentialOptions) {
    this.#options = options;
  }

  async getToken(scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken> {
    const { activityId = randomUUID(), abortSignal: signal = new AbortController().signal } = options;
    const call: Call = { activityId, signal };
    const secrets = { tokens: [this.#options.clientSecret] };
    const network = new MsalNetwork(this.#options.http, call, secrets);
    try {
      const result = await this.#newApplication(network).acquireTokenByClientCredential({
        scopes: [scopes].flat(),
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
      const cause = copyCause(error, secrets);
      throw new IntuneAuthenticationError(`Sign-in failed: ${cause?.message}`, { activityId, cause });
    }
  }

  /** An application per request: its cache starts empty, so MSAL neither returns a refused token nor throttles unseen. */
  #newApplication(networkClient: MsalNetwork): ConfidentialClientApplication {
    const { clientId, clientSecret, tenant, authority } = this.#options;
    const base = `${authority.href.replace(/\/+$/, '')}/${tenant}`;
    return new ConfidentialClientApplication({
      auth: {
        clientId,
        clientSecret,
        authority: base,
        // Both together keep MSAL from asking the network where to sign in.
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
