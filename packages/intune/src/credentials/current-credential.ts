import type { Call } from '../call.ts';
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
  let answer: AccessToken | null;
  try {
    answer = await credential.getToken(scope, { abortSignal: signal, activityId });
  } catch (error) {
    throw error instanceof IntuneError || error === signal.reason ? error : credentialError(error, call);
  }
  if (!isUsable(answer)) {
    throw new IntuneAuthenticationError('The credential gave no usable token', { activityId });
  }
  return answer;
}

/** A token with any other character could not be sent in an HTTP header. */
function isUsable(answer: AccessToken | null): answer is AccessToken {
  return (
    typeof answer?.token === 'string' &&
    /^[\x21-\x7e]+$/.test(answer.token) &&
    !Number.isNaN(new Date(answer.expiresOnTimestamp).getTime())
  );
}

function credentialError(error: unknown, call: Call): IntuneAuthenticationError {
  const cause = copyCause(error);
  const reason = cause?.message ?? 'unknown reason';
  const entraCode = /AADSTS\d+/.exec(reason)?.[0];
  const context = { activityId: call.activityId, cause, entraCode };
  return new IntuneAuthenticationError(`The credential gave no token: ${reason}`, context);
}
