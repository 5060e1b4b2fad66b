import { randomUUID } from 'node:crypto';
import { untilAborted, type Call } from '../call.ts';
import type { Lifetime } from '../lifetime.ts';
import type { Tracing } from '../diagnostics/tracing.ts';

/** Something fetched, and how long it serves. Times are milliseconds since 1970-01-01T00:00:00Z. */
export interface Fresh<T> {
  readonly value: T;
  /** From here on it is renewed while it still serves. */
  readonly refreshAtMs: number;
  /** From here on it serves no more. */
  readonly endsAtMs: number;
}

export interface RefreshedValueOptions<T> {
  readonly fetch: (activityId: string, background: boolean) => Promise<Fresh<T>>;
  readonly now: () => Date;
  readonly lifetime: Lifetime;
  readonly tracing: Tracing;
}

interface Flight<T> {
  readonly outcome: Promise<T>;
}

/** Waits between failed renewals in the background: doubled each time, from the first to the longest. */
const firstBackOffMs = 10_000;
const longestBackOffMs = 5 * 60_000;

/**
 * Something that costs a request to get, serves for a while, and is shared: fetched once for all who wait, and renewed
 * ahead of its end without anybody waiting.
 */
export class RefreshedValue<T> {
  readonly #options: RefreshedValueOptions<T>;
  #current: Fresh<T> | undefined;
  #flight: Flight<T> | undefined;
  #failures = 0;
  #refreshNotBeforeMs = 0;

  constructor(options: RefreshedValueOptions<T>) {
    this.#options = options;
  }

  async get(call: Call): Promise<T> {
    const nowMs = this.#options.now().getTime();
    if (this.#current === undefined || nowMs >= this.#current.endsAtMs) {
      // Under a limit of its own: others may wait for it after the first caller has given up.
      const flight = this.#flight ?? this.#start(call.activityId, false);
      return untilAborted(flight.outcome, call.signal);
    }
    if (nowMs >= this.#current.refreshAtMs && nowMs >= this.#refreshNotBeforeMs && this.#flight === undefined) {
      this.#refresh();
    }
    return this.#current.value;
  }

  /** What is at hand, good or not. */
  get current(): Fresh<T> | undefined {
    return this.#current;
  }

  /** Whether the last renewal in the background has failed. */
  get isRefreshFailing(): boolean {
    return this.#failures > 0;
  }

  /** Drops a value that has proved wrong; one fetched since then stays. */
  drop(value: T): void {
    if (this.#current?.value === value) {
      this.#current = undefined;
    }
  }

  /** Lets a value end earlier than it would. */
  endAt(value: T, endsAtMs: number): void {
    if (this.#current?.value === value) {
      this.#current = { ...this.#current, endsAtMs: Math.min(endsAtMs, this.#current.endsAtMs) };
    }
  }

  /** Disregards what is being fetched right now: it may say what has just proved wrong. Those who wait still get it. */
  abandonFlight(): void {
    this.#flight = undefined;
  }

  /** Lets the next renewal begin at once although the last one failed. */
  endBackOff(): void {
    this.#failures = 0;
    this.#refreshNotBeforeMs = 0;
  }

  #refresh(): void {
    const { tracing, lifetime } = this.#options;
    if (!lifetime.isOver) {
      tracing.detached(() => this.#start(randomUUID(), true)).outcome.catch(() => {}); // Its failure is reported as an attempt.
    }
  }

  #start(activityId: string, background: boolean): Flight<T> {
    const flight: Flight<T> = {
      outcome: this.#options.lifetime.runFlight(this.#fetch(activityId, background, () => this.#flight === flight)),
    };
    this.#flight = flight;
    return flight;
  }

  async #fetch(activityId: string, background: boolean, isWanted: () => boolean): Promise<T> {
    await Promise.resolve(); // So that the flight is known before anything can end it.
    try {
      const fresh = await this.#options.fetch(activityId, background);
      if (isWanted()) {
        this.#current = fresh;
        this.endBackOff();
      }
      return fresh.value;
    } catch (error) {
      if (background && isWanted()) {
        this.#backOff();
      }
      throw error;
    } finally {
      if (isWanted()) {
        this.#flight = undefined;
      }
    }
  }

  #backOff(): void {
    const delayMs = Math.min(longestBackOffMs, firstBackOffMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#refreshNotBeforeMs = this.#options.now().getTime() + delayMs;
  }
}
