import { IntuneError } from '@scepter/intune';
import { errorCode } from './steps.ts';

/** What the operator reads of a call to Intune that failed. */
export interface IntuneFailure {
  /** The error's stable code. */
  readonly reason: string;
  readonly activityId: string | undefined;
  /** What the services said, and what to do about it; absent for errors that are none of the Intune client's. */
  readonly detail: string | undefined;
}

/** The messages of the Intune client hold no secret (its README says so, and its tests); no other's are repeated. */
export function describeIntuneFailure(error: unknown): IntuneFailure {
  const reason = errorCode(error);
  if (!(error instanceof IntuneError)) return { reason, activityId: undefined, detail: undefined };
  const advice = 'advice' in error && typeof error.advice === 'string' ? ` ${error.advice}` : '';
  return { reason, activityId: error.activityId, detail: `${error.message}${advice}` };
}
