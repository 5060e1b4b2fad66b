/** What one exchange says about the health of the service that was asked, as its circuit breaker is told. */
import type { Call } from '../call.ts';
import type { OperationName } from '../diagnostics/events.ts';
import { IntuneHttpError, IntuneNetworkError, IntuneTimeoutError } from '../errors.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { Admission } from './circuit-breaker.ts';

/** A wish to be left alone that exceeds this is tried out earlier: nobody should have to restart the process. */
const longestOpenMs = 10 * 60_000;

export interface ExchangeContext {
  readonly operation: OperationName;
  /** The service, as sentences name it. */
  readonly name: string;
  /** Limit of the whole call. */
  readonly timeoutMs: number;
}

export function judgeAnswer(
  answer: HttpAnswer,
  { operation, name, timeoutMs }: ExchangeContext,
  admission: Admission,
  call: Call,
): void {
  const { status } = answer;
  // Intune's cool-down between downloads is no overload; the revocation service is there for everything else.
  const isCoolDown = status === 429 && operation === 'downloadRevocationRequests';
  if ((status !== 429 && status < 500) || isCoolDown) {
    admission.succeeded();
    return;
  }
  const failure = answer.statusError(name, call);
  const { retryAfterMs } = failure;
  // No call could wait for so long: there is no use in making one.
  const isLong = retryAfterMs !== undefined && retryAfterMs >= timeoutMs;
  admission.failed(failure, isLong ? Math.min(retryAfterMs, longestOpenMs) : undefined);
}

export function judgeFailure(
  error: unknown,
  { hadTime, isInCrowd }: { readonly hadTime: boolean; readonly isInCrowd: boolean },
  admission: Admission,
): void {
  if (error instanceof IntuneHttpError) {
    admission.succeeded(); // An answer all the same, though not one to use.
  } else if (error instanceof IntuneNetworkError) {
    const isOurs = error.reason === 'closed' || (error.reason === 'connect_timeout' && isInCrowd);
    if (isOurs) {
      admission.abandoned();
    } else {
      admission.failed(error);
    }
  } else if (error instanceof IntuneTimeoutError && (hadTime || error.limit === 'attempt')) {
    admission.failed(error);
  } else {
    admission.abandoned();
  }
}
