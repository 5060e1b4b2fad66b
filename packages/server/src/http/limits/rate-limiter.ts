/**
 * Token buckets, one for each key, in bounded memory. A bucket is one number: the instant at which it is full again
 * ("theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371). A full bucket need not be remembered.
 */

export interface RateLimiterOptions {
  /** Tokens that come back in a minute. */
  readonly perMinute: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
  /**
   * Buckets to remember at most. Beyond it, the one used longest ago is forgotten, which only ever gives somebody more:
   * whoever fills the table frees others of their past, and is held by the limit of all together.
   */
  readonly keys: number;
  /** A clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
}

export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #msPerToken: number;
  /** By the time of last use, the oldest first. */
  readonly #fullAt = new Map<string, number>();

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    this.#msPerToken = 60_000 / options.perMinute;
  }

  /** Takes a token. @returns 0, or in how many milliseconds there will be one: then nothing was taken */
  take(key: string): number {
    const { burst, keys, monotonicMs } = this.#options;
    const now = monotonicMs();
    const fullAt = Math.max(now, this.#fullAt.get(key) ?? now) + this.#msPerToken;
    const waitMs = fullAt - now - burst * this.#msPerToken;
    // Rounding must not make a client wait that comes to the millisecond.
    if (waitMs > 0.001) return waitMs;
    this.#fullAt.delete(key);
    this.#fullAt.set(key, fullAt);
    if (this.#fullAt.size > keys) this.#forget(now);
    return 0;
  }

  /** How many buckets are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** From the oldest on, all that are full by now, and one in any case. */
  #forget(now: number): void {
    let forgotten = 0;
    for (const [key, fullAt] of this.#fullAt) {
      if (forgotten > 0 && fullAt > now) return;
      this.#fullAt.delete(key);
      forgotten += 1;
    }
  }
}
