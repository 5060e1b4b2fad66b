import type { IntuneErrorCode } from '../errors.ts';
import type { DestinationName, ServiceName } from '../service-names.ts';

/** What a caller asks of the client. */
export type CallName =
  | 'validateRequest'
  | 'notifySuccess'
  | 'notifyFailure'
  | 'downloadRevocationRequests'
  | 'uploadRevocationResults';

/** Everything that is sent over HTTP. */
export type OperationName = CallName | 'token' | 'discovery';

/**
 * How something ended: `success`, the code of the error, `aborted` by the caller's signal, or `unexpected`, an error that
 * is none of this package.
 */
export type Outcome = 'success' | IntuneErrorCode | 'aborted' | 'unexpected';

/** One call of a method has ended. */
export interface CallEvent {
  readonly type: 'call';
  readonly operation: CallName;
  /** The GUID by which Microsoft's logs know the call. */
  readonly activityId: string;
  /** The transaction that the call is about. */
  readonly transactionId?: string;
  /** From the call of the method until it settled. */
  readonly durationMs: number;
  /** HTTP requests made for the step that decided the outcome; 0 when nothing was sent. */
  readonly attempts: number;
  readonly outcome: Outcome;
  /** What Intune answered instead of Success. */
  readonly resultCode?: string;
}

/** One HTTP exchange has ended, with an answer or without. */
export interface AttemptEvent {
  readonly type: 'attempt';
  readonly destination: DestinationName;
  readonly operation: OperationName;
  /** Host and port. */
  readonly host: string;
  /** The GUID that the request carried as `client-request-id`. */
  readonly activityId: string;
  /** Counts from 1 within the operation. */
  readonly attempt: number;
  /** Until the last byte of the answer, or until it failed. */
  readonly durationMs: number;
  /** HTTP status; absent when no answer came. */
  readonly status?: number;
  /** `success` for every HTTP answer below 400. */
  readonly outcome: Outcome;
}

/** An operation is going to be repeated. */
export interface RetryEvent {
  readonly type: 'retry';
  readonly destination: DestinationName;
  readonly operation: OperationName;
  /** The GUID that the requests carry as `client-request-id`. */
  readonly activityId: string;
  /** HTTP requests made so far. */
  readonly attempts: number;
  /** The delay before the next request. */
  readonly retryInMs: number;
  /** Why the last request is not enough. */
  readonly outcome: Outcome;
}

/** A token was fetched. */
export interface TokenEvent {
  readonly type: 'token';
  /** For whom the token is. */
  readonly destination: 'graph' | 'intune';
  /** When the token ends, as the credential says. */
  readonly expiresAt: Date;
  /** Whether it was renewed ahead of its end, with no call waiting. */
  readonly background: boolean;
}

/** Discovery named a service. */
export interface LocationEvent {
  readonly type: 'location';
  readonly serviceName: ServiceName;
  /** Host and port. */
  readonly host: string;
  /** Whether it was asked for ahead of need, with no call waiting. */
  readonly background: boolean;
}

/** A circuit breaker has changed its state. */
export interface CircuitEvent {
  readonly type: 'circuit';
  readonly destination: DestinationName;
  readonly state: CircuitState;
  /** While open: when a call is let through again, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** `closed`: calls pass. `open`: they fail at once. `halfOpen`: one call is trying out whether the service is back. */
export type CircuitState = 'closed' | 'open' | 'halfOpen';

/** What the client tells about itself. No event holds a secret. */
export type IntuneEvent = CallEvent | AttemptEvent | RetryEvent | TokenEvent | LocationEvent | CircuitEvent;
