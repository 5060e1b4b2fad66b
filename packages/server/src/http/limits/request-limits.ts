/** Whether a request may go on: its client's token bucket, and the bucket of all together. */
import type { ClientAddress } from './client-address.ts';
import { RateLimiter } from './rate-limiter.ts';

export interface RequestLimitsOptions {
  readonly requestsPerMinute: number;
  readonly requestsPerMinutePerAddress: number;
  readonly requestBurstPerAddress: number;
  readonly monotonicMs: () => number;
}

export interface Refusal {
  /** Who has had too much: the client, or all clients together. */
  readonly whose: 'client' | 'overall';
  readonly retryAfterSeconds: number;
}

/** About 3 MB. */
const REMEMBERED_CLIENTS = 16_384;
/** All together may bring what comes in in so much of a minute at once. */
const OVERALL_BURST_SHARE = 1 / 6;
/** Those who are refused at one moment must not all come back at one moment. */
const SPREAD_SECONDS = 8;

export class RequestLimits {
  readonly #byClient: RateLimiter;
  readonly #overall: RateLimiter;
  #refusals = 0;

  constructor(options: RequestLimitsOptions) {
    const { requestsPerMinute, requestsPerMinutePerAddress, requestBurstPerAddress, monotonicMs } = options;
    this.#byClient = new RateLimiter({
      perMinute: requestsPerMinutePerAddress,
      burst: requestBurstPerAddress,
      keys: REMEMBERED_CLIENTS,
      monotonicMs,
    });
    this.#overall = new RateLimiter({
      perMinute: requestsPerMinute,
      burst: Math.max(1, Math.floor(requestsPerMinute * OVERALL_BURST_SHARE)),
      keys: 1,
      monotonicMs,
    });
  }

  /**
   * The client's own bucket comes first: what one client is refused takes nothing from the others.
   *
   * @param overall false for requests that must be answered while others are turned away, such as a supervisor's
   */
  admit({ group }: ClientAddress, { overall }: { readonly overall: boolean }): Refusal | undefined {
    const clientWaitMs = this.#byClient.take(group);
    if (clientWaitMs > 0) return { whose: 'client', retryAfterSeconds: this.retryAfterSeconds(clientWaitMs) };
    const overallWaitMs = overall ? this.#overall.take('') : 0;
    if (overallWaitMs > 0) return { whose: 'overall', retryAfterSeconds: this.retryAfterSeconds(overallWaitMs) };
    return undefined;
  }

  /** Never sooner than it makes sense (RFC 9110 10.2.3: whole seconds), and not the same for all. */
  retryAfterSeconds(waitMs: number): number {
    this.#refusals = (this.#refusals + 1) % SPREAD_SECONDS;
    return Math.ceil(waitMs / 1000) + this.#refusals;
  }
}
