import { withoutTrailingSlash } from './base-url.ts';
import { runCall, type Call } from './call.ts';
import type { CurrentCredential } from './credentials/current-credential.ts';
import type { Diagnostics } from './diagnostics/diagnostics.ts';
import type { TokenEvent } from './diagnostics/events.ts';
import type { Lifetime } from './lifetime.ts';
import type { CheckedOptions } from './options.ts';
import { RefreshedValue, type Fresh } from './resilience/refreshed-value.ts';

/** The services that tokens are for. */
export type TokenAudience = TokenEvent['destination'];

/** The scope of a token for a service: everything that the application was granted there. */
export function scopeOf(
  audience: TokenAudience,
  { graphUrl, intuneResource }: Pick<CheckedOptions, 'graphUrl' | 'intuneResource'>,
): string {
  return `${audience === 'graph' ? withoutTrailingSlash(graphUrl) : intuneResource}/.default`;
}

/** A token is renewed this long before its end, or in the last fifth of its life if that is shorter. */
const refreshMarginMs = 10 * 60_000;
/** It is not used any more this long before its end, or in the last fiftieth of its life: the request has to arrive. */
const endMarginMs = 60_000;
/** A token younger than this is not fetched again in the hope for more roles. */
const youngMs = 60_000;

export interface TokenSourceOptions {
  readonly credential: CurrentCredential;
  readonly scope: string;
  /** Whom the token is for. */
  readonly audience: TokenAudience;
  readonly timeoutMs: number;
  readonly now: () => Date;
  readonly diagnostics: Diagnostics;
  readonly lifetime: Lifetime;
}

interface Token {
  readonly text: string;
  readonly expiresAt: Date;
  readonly fetchedAtMs: number;
}

/** What is known about a token, without the token. */
export interface TokenStatus {
  /** When it ends, as the credential says. */
  readonly expiresAt: Date;
  /** Whether its renewal has failed; it is tried again. */
  readonly isRefreshFailing: boolean;
}

/** The bearer token for one scope: fetched once for all who wait, renewed ahead of its end. */
export class TokenSource {
  readonly #options: TokenSourceOptions;
  readonly #tokens: RefreshedValue<Token>;

  constructor(options: TokenSourceOptions) {
    this.#options = options;
    const { now, lifetime, diagnostics } = options;
    this.#tokens = new RefreshedValue({
      now,
      lifetime,
      tracing: diagnostics.tracing,
      fetch: (activityId, background) => this.#fetch(activityId, background),
    });
  }

  async token(call: Call): Promise<string> {
    return (await this.#tokens.get(call)).text;
  }

  /** Called when a service has refused the token; a token fetched since then stays. */
  forget(token: string): void {
    const current = this.#tokens.current?.value;
    if (current?.text === token) {
      this.#tokens.drop(current);
    }
  }

  /**
   * Called when the token lacks a role. It may have been granted since: a token says what was true when it was made. So
   * a token does not serve for longer than a minute then.
   * @returns whether a new token may be worth a try now
   */
  forgetUnlessYoung(token: string): boolean {
    const current = this.#tokens.current?.value;
    if (current?.text !== token) {
      return true;
    }
    const endsAtMs = current.fetchedAtMs + youngMs;
    this.#tokens.endAt(current, endsAtMs);
    return this.#options.now().getTime() >= endsAtMs;
  }

  /** Called when there is a new credential: what failed with the old one may be tried at once. */
  retryRefresh(): void {
    this.#tokens.endBackOff();
  }

  get status(): TokenStatus | undefined {
    const expiresAt = this.#tokens.current?.value.expiresAt;
    return expiresAt === undefined ? undefined : { expiresAt, isRefreshFailing: this.#tokens.isRefreshFailing };
  }

  async #fetch(activityId: string, background: boolean): Promise<Fresh<Token>> {
    const { credential, scope, audience, timeoutMs, now, diagnostics, lifetime } = this.#options;
    const limits = { timeoutMs, signal: background ? lifetime.closing : lifetime.closed };
    const { token, expiresOnTimestamp } = await runCall(activityId, limits, (call) => credential.token(scope, call));
    const fetchedAtMs = now().getTime();
    const lifeMs = Math.max(0, expiresOnTimestamp - fetchedAtMs);
    const expiresAt = new Date(expiresOnTimestamp);
    diagnostics.emit({ type: 'token', destination: audience, expiresAt, background });
    return {
      value: { text: token, expiresAt, fetchedAtMs },
      refreshAtMs: expiresOnTimestamp - Math.min(refreshMarginMs, lifeMs / 5),
      endsAtMs: expiresOnTimestamp - Math.min(endMarginMs, lifeMs / 50),
    };
  }
}
