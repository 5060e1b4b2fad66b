import { checkDurationMs, checkObject, checkWholeNumber } from '../arguments.ts';

/**
 * How failed requests are repeated, where that is safe. The wait before each repeat is drawn at random from zero up to a
 * limit ("full jitter"); the limit begins with `initialDelayMs` and doubles. A `Retry-After` of the service is waited
 * for in addition. No wait goes beyond the call's `timeoutMs`: a failure that leaves no time to repeat is thrown at once.
 */
export interface RetryOptions {
  /** Repeats of one step (sign-in, discovery, the operation) within a call, 0 to 10. Default: 2. */
  readonly maximumRetries: number;
  /** Default: 200. */
  readonly initialDelayMs: number;
  /** Default: 5,000. */
  readonly maximumDelayMs: number;
}

const neverAgain: Partial<RetryOptions> = { maximumRetries: 0 };

/** @throws {IntuneArgumentError} when one is out of range */
export function checkRetry(value: Partial<RetryOptions> | false = {}): RetryOptions {
  const { maximumRetries, initialDelayMs, maximumDelayMs } = value === false ? neverAgain : checkObject('retry', value);
  return {
    maximumRetries: checkWholeNumber('retry.maximumRetries', maximumRetries ?? 2, { from: 0, to: 10 }),
    initialDelayMs: checkDurationMs('retry.initialDelayMs', initialDelayMs ?? 200),
    maximumDelayMs: checkDurationMs('retry.maximumDelayMs', maximumDelayMs ?? 5_000),
  };
}
