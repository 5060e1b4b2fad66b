/** How often something went wrong lately, by whoever it was: a sliding window in memory. */

export interface AttemptLimiterOptions {
  /** Attempts in a window that are still let through. */
  readonly attempts: number;
  readonly windowMs: number;
  /** Whom to remember at most; beyond it, whoever has been quiet for longest is forgotten. */
  readonly keys: number;
  readonly now: () => Date;
}

/**
 * @example
 * const limiter = new AttemptLimiter({ attempts: 10, windowMs: 600_000, keys: 10_000, now: () => new Date() });
 * if (limiter.isOver(address)) refuse();
 * if (!isRight(guess)) limiter.count(address);
 */
export class AttemptLimiter {
  readonly #options: AttemptLimiterOptions;
  /** Instants in milliseconds, the oldest first; never more than `attempts`. The key counted last stands last. */
  readonly #attempts = new Map<string, number[]>();

  constructor(options: AttemptLimiterOptions) {
    this.#options = options;
  }

  /** Whether the attempts of the window are used up. */
  isOver(key: string): boolean {
    return this.#recent(key).length >= this.#options.attempts;
  }

  /** Counts an attempt. @returns whether it was the one that used up the window */
  count(key: string): boolean {
    const { attempts, keys, now } = this.#options;
    const recent = this.#recent(key);
    const wasOver = recent.length >= attempts;
    const counted = [...recent, now().getTime()].slice(-attempts);
    this.#attempts.delete(key);
    this.#attempts.set(key, counted);
    const [quietest] = this.#attempts.keys();
    if (this.#attempts.size > keys && quietest !== undefined) this.#attempts.delete(quietest);
    return !wasOver && counted.length >= attempts;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#attempts.size;
  }

  #recent(key: string): readonly number[] {
    const since = this.#options.now().getTime() - this.#options.windowMs;
    return (this.#attempts.get(key) ?? []).filter((instant) => instant > since);
  }
}
