import { IntuneHttpError, IntuneNetworkError, IntuneTimeoutError } from '../errors.ts';
import type { RetryOptions } from './retry-options.ts';

/**
 * What a failure says about repeating:
 * - `notSent`: there was no connection; nobody has seen the request
 * - `turnedAway`: the service answered that it would not deal with it now (429, 503)
 * - `unknown`: the request may have been acted on, and a repeat acts a second time
 * - `final`: a repeat would end the same way
 */
export type FailureKind = 'notSent' | 'turnedAway' | 'unknown' | 'final';

export function failureKind(error: unknown): FailureKind {
  if (error instanceof IntuneNetworkError) {
    return isRefusedByProxy(error) ? 'final' : networkFailureKinds[error.reason];
  }
  if (error instanceof IntuneTimeoutError) {
    return error.limit === 'attempt' ? 'unknown' : 'final';
  }
  return error instanceof IntuneHttpError && error.code === 'intune.http' ? statusKind(error.status) : 'final';
}

/**
 * A proxy that refuses the client, because of its password (407, or 401 by mistake) or the host (403), does so again;
 * and wrong passwords lock accounts.
 */
function isRefusedByProxy({ proxyStatus = 0 }: IntuneNetworkError): boolean {
  return proxyStatus >= 400 && proxyStatus < 500;
}

const networkFailureKinds: Readonly<Record<IntuneNetworkError['reason'], FailureKind>> = {
  dns: 'notSent',
  refused: 'notSent',
  connect_timeout: 'notSent',
  proxy: 'notSent',
  cut: 'unknown',
  other: 'unknown',
  tls: 'final',
  closed: 'final',
};

function statusKind(status: number): FailureKind {
  if (status === 429 || status === 503) {
    return 'turnedAway';
  }
  return status === 408 || status === 500 || status === 502 || status === 504 ? 'unknown' : 'final';
}

export interface RetryCircumstances {
  readonly error: unknown;
  /** Whether acting twice does what acting once does. */
  readonly idempotent: boolean;
  /** Repeats made so far. */
  readonly retries: number;
  /** What is left of the call. */
  readonly remainingMs: number;
  readonly options: RetryOptions;
  readonly random: () => number;
}

/** How long to wait before the request is repeated, in milliseconds; `undefined` when it must not or need not be. */
export function retryDelayMs(circumstances: RetryCircumstances): number | undefined {
  const { error, idempotent, retries, remainingMs, options, random } = circumstances;
  const kind = failureKind(error);
  if (retries >= options.maximumRetries || kind === 'final' || (kind === 'unknown' && !idempotent)) {
    return undefined;
  }
  const asked = error instanceof IntuneHttpError ? (error.retryAfterMs ?? 0) : 0;
  // Full jitter: clients that failed together do not come back together.
  const limitMs = Math.min(options.maximumDelayMs, options.initialDelayMs * 2 ** retries);
  const delayMs = Math.ceil(asked + random() * limitMs);
  return delayMs < remainingMs ? delayMs : undefined;
}
