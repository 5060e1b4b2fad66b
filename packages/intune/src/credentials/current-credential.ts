import type { Call } from '../call.ts';
import { entraCodeIn } from '../entra-codes.ts';
import { IntuneAuthenticationError, IntuneError } from '../errors.ts';
import { copyCause } from '../http/foreign-cause.ts';
import type { Destination } from '../resilience/destination.ts';
import { createCredential } from './create-credential.ts';
import type { IntuneCredential } from './credential-options.ts';
import type { AccessToken, TokenCredential } from './token-credential.ts';

export interface CurrentCredentialOptions {
  readonly credential: IntuneCredential;
  readonly tenant: string;
  /** Base URL of the sign-in service. */
  readonly authority: URL;
  readonly tokenExchangeAudience: string;
  readonly entra: Destination;
  readonly now: () => Date;
}

/** Far above any: services refuse headers of a quarter of this. */
const longestToken = 64 * 1024;

/** The credential in use, which can be replaced at any moment. */
export class CurrentCredential {
  readonly #options: CurrentCredentialOptions;
  #credential: IntuneCredential;

  constructor(options: CurrentCredentialOptions) {
    this.#options = options;
    this.#credential = options.credential;
  }

  /** From now on sign-ins use this one. */
  replace(credential: IntuneCredential): void {
    this.#credential = credential;
  }

  /** Signs in. A refusal of a credential that was replaced meanwhile is no answer: the new one is tried. */
  async token(scope: string, call: Call): Promise<AccessToken> {
    for (;;) {
      const used = this.#credential;
      try {
        return await this.#signIn(used, scope, call);
      } catch (error) {
        const isReplaced = used !== this.#credential;
        if (!isReplaced || !(error instanceof IntuneAuthenticationError) || call.signal.aborted) {
          throw error;
        }
      }
    }
  }

  /** A credential of the caller repeats its requests by rules of its own; ours are repeated here. */
  async #signIn(used: IntuneCredential, scope: string, call: Call): Promise<AccessToken> {
    if ('getToken' in used) {
      return ask(used, scope, call);
    }
    const { tenant, authority, tokenExchangeAudience, entra, now } = this.#options;
    return entra.perform({ operation: 'token', idempotent: true }, call, (http) =>
      ask(createCredential(used, { tenant, authority, tokenExchangeAudience, http, now }), scope, call),
    );
  }
}

async function ask(credential: TokenCredential, scope: string, call: Call): Promise<AccessToken> {
  const { activityId, signal } = call;
  let answer: AccessToken | undefined;
  try {
    answer = usable(await credential.getToken(scope, { abortSignal: signal, activityId }));
  } catch (error) {
    const isAborted = signal.aborted && error === signal.reason;
    throw error instanceof IntuneError || isAborted ? error : credentialError(error, call);
  }
  if (answer === undefined) {
    throw new IntuneAuthenticationError('The credential gave no usable token', { activityId });
  }
  return answer;
}

/** A copy of what was checked. A token with any other character could not be sent in an HTTP header. */
function usable(answer: AccessToken | null): AccessToken | undefined {
  const { token, expiresOnTimestamp }: { readonly [name in keyof AccessToken]?: unknown } = answer ?? {};
  const isToken = typeof token === 'string' && token.length <= longestToken && /^[\x21-\x7e]+$/.test(token);
  const hasEnd = typeof expiresOnTimestamp === 'number' && !Number.isNaN(new Date(expiresOnTimestamp).getTime());
  return isToken && hasEnd ? { token, expiresOnTimestamp } : undefined;
}

function credentialError(error: unknown, call: Call): IntuneAuthenticationError {
  const cause = copyCause(error);
  const reason = cause === undefined || cause.message === '' ? 'unknown reason' : cause.message;
  const entraCode = entraCodeIn(reason);
  const context = { activityId: call.activityId, cause, entraCode };
  return new IntuneAuthenticationError(`The credential gave no token: ${reason}`, context);
}
