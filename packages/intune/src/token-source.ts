import { runCall, untilAborted, type Call } from './call.ts';
import type { AccessToken, TokenCredential } from './credentials/token-credential.ts';
import { IntuneAuthenticationError, IntuneError } from './errors.ts';
import { copyCause } from './http/foreign-cause.ts';
import { SharedFlight } from './shared-flight.ts';

/** A token is renewed this long before it ends, or after nine tenths of its life if that is later. */
const renewalMarginMs = 5 * 60_000;

export interface TokenSourceOptions {
  readonly credential: TokenCredential;
  readonly scope: string;
  readonly timeoutMs: number;
  readonly now: () => Date;
}

/** The bearer token for one scope: cached until shortly before it ends, fetched once for all who wait. */
export class TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #flight = new SharedFlight<string>();
  #cached: { readonly token: string; readonly goodUntilMs: number } | undefined;

  constructor(options: TokenSourceOptions) {
    this.#options = options;
  }

  async token(call: Call): Promise<string> {
    if (this.#cached !== undefined && this.#options.now().getTime() < this.#cached.goodUntilMs) {
      return this.#cached.token;
    }
    return untilAborted(
      this.#flight.join(() => this.#fetch(call.activityId)),
      call.signal,
    );
  }

  /** Called when a service has refused the token; a token fetched since then stays. */
  forget(token: string): void {
    if (this.#cached?.token === token) {
      this.#cached = undefined;
    }
  }

  /** Under a limit of its own: others may wait for it after the first caller has given up. */
  async #fetch(activityId: string): Promise<string> {
    const { timeoutMs, now } = this.#options;
    const { token, expiresOnTimestamp } = await runCall(activityId, { timeoutMs }, (call) => this.#ask(call));
    const lifetimeMs = Math.max(0, expiresOnTimestamp - now().getTime());
    this.#cached = { token, goodUntilMs: expiresOnTimestamp - Math.min(renewalMarginMs, lifetimeMs / 10) };
    return token;
  }

  async #ask(call: Call): Promise<AccessToken> {
    const { credential, scope } = this.#options;
    let answer: AccessToken | null;
    try {
      answer = await credential.getToken(scope, { abortSignal: call.signal, activityId: call.activityId });
    } catch (error) {
      throw error instanceof IntuneError ? error : credentialError(error, call);
    }
    // Anything else could not be sent in an HTTP header.
    if (answer === null || !/^[\x21-\x7e]+$/.test(answer.token)) {
      throw new IntuneAuthenticationError('The credential gave no usable token', { activityId: call.activityId });
    }
    return answer;
  }
}

function credentialError(error: unknown, call: Call): IntuneAuthenticationError {
  const cause = copyCause(error);
  const reason = cause?.message ?? 'unknown reason';
  const entraCode = /AADSTS\d+/.exec(reason)?.[0];
  const context = { activityId: call.activityId, cause, entraCode };
  return new IntuneAuthenticationError(`The credential gave no token: ${reason}`, context);
}
