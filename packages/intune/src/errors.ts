import type { DestinationName } from './service-names.ts';
import { signInAdvice } from './entra-codes.ts';
import { parseResultCode, resultCodes, type IntuneResultCode } from './result-codes.ts';

/** The stable codes of all errors of this package; a code never changes its meaning. */
export type IntuneErrorCode =
  | 'intune.argument'
  | 'intune.authentication'
  | 'intune.permission'
  | 'intune.service_not_found'
  | 'intune.endpoint_refused'
  | 'intune.http'
  | 'intune.bad_reply'
  | 'intune.rejected'
  | 'intune.network'
  | 'intune.timeout'
  | 'intune.circuit_open'
  | 'intune.cool_down';

/** What every error may know beside its message. */
export interface IntuneErrorContext {
  /** The `client-request-id` of the failed request; absent when nothing was about to be sent. */
  readonly activityId?: string | undefined;
  /** HTTP requests made for the step that failed. */
  readonly attempts?: number | undefined;
  /** What led to it, without secrets. */
  readonly cause?: unknown;
}

/**
 * Base of every error of this package. Messages, properties and causes hold no secret: no token, no client secret,
 * no certificate request and no challenge. Every property is enumerable, and `toJSON` adds what `JSON.stringify` would
 * leave out, so that any logger shows the whole error.
 */
export class IntuneError extends Error {
  /** Stable identifier of the kind of failure. */
  readonly code: IntuneErrorCode;
  /**
   * The GUID by which Microsoft's logs know the failed request (`client-request-id`). Calls that shared a token or
   * discovery request share its activity id. Absent only on errors of the constructor.
   */
  declare readonly activityId?: string;
  /**
   * How many HTTP requests were made for the step that failed: sign-in, discovery, or the operation itself. Absent when
   * there was none.
   */
  declare readonly attempts?: number;

  constructor(code: IntuneErrorCode, message: string, context: IntuneErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.code = code;
    if (context.activityId !== undefined) {
      this.activityId = context.activityId;
    }
    if (context.attempts !== undefined) {
      this.attempts = context.attempts;
    }
  }

  /** All properties with message and cause, without the stack. */
  toJSON(): Record<string, unknown> {
    const { message, cause } = this;
    return { message, ...Object.fromEntries(Object.entries(this)), cause: causeToJson(cause) };
  }
}

function causeToJson(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof IntuneError) {
    return cause;
  }
  const { name, message } = cause;
  const inner = cause.cause === undefined ? {} : { cause: causeToJson(cause.cause) };
  return { name, message, ...('code' in cause ? { code: cause.code } : {}), ...inner };
}

/** Notes on an error of ours how many requests were made before it; what is noted already stays. */
export function noteAttempts(error: unknown, attempts: number): void {
  if (error instanceof IntuneError && error.attempts === undefined && attempts > 0) {
    Object.assign(error, { attempts });
  }
}

/** An argument or option of the caller is unusable; nothing was sent. */
export class IntuneArgumentError extends IntuneError {
  /** The argument's name, as in `certificateRequest` or `tls.ca`. */
  readonly argument: string;

  constructor(argument: string, problem: string, context?: IntuneErrorContext) {
    super('intune.argument', `${argument}: ${problem}`, context);
    this.argument = argument;
  }
}

/** Microsoft Entra gave no token, or a service refused a fresh one (HTTP 401). */
export class IntuneAuthenticationError extends IntuneError {
  /** Entra's numbered reason, such as `AADSTS7000215`; absent when the answer named none. */
  declare readonly entraCode?: string;
  /** What an administrator can do. */
  readonly advice: string;

  constructor(message: string, context?: IntuneErrorContext & { entraCode?: string | undefined; advice?: string }) {
    super('intune.authentication', message, context);
    if (context?.entraCode !== undefined) {
      this.entraCode = context.entraCode;
    }
    this.advice = context?.advice ?? signInAdvice(context?.entraCode);
  }
}

/** The application lacks an application permission, or the administrator's consent to it (HTTP 403). */
export class IntunePermissionError extends IntuneError {
  /** The permission to grant. */
  readonly permission: 'Application.Read.All' | 'scep_challenge_provider';
  /**
   * The application permissions in the token that was refused, as the token itself says; empty when it has none, absent
   * when the token can't be read.
   */
  declare readonly grantedRoles?: readonly string[];

  constructor(
    permission: IntunePermissionError['permission'],
    message: string,
    context?: IntuneErrorContext & { grantedRoles?: readonly string[] | undefined },
  ) {
    super('intune.permission', message, context);
    this.permission = permission;
    if (context?.grantedRoles !== undefined) {
      this.grantedRoles = context.grantedRoles;
    }
  }
}

/**
 * Why Graph's answer led to no service:
 * - `permission`: the token lacks Application.Read.All, so that Graph may have hidden the services
 * - `consent`: the token has no application permission at all: none is granted, or the administrator's consent is missing
 * - `licence`: the permissions are there; the tenant has no Intune, or no active licence for it
 * - `address`: there is a service, at an address that must not receive a token
 */
export type ServiceNotFoundReason = 'permission' | 'licence' | 'consent' | 'address';

/**
 * Microsoft Graph names no such Intune service for the tenant (`intune.service_not_found`), or one that must not
 * be given a token because its address is not Microsoft's (`intune.endpoint_refused`).
 */
export class IntuneServiceNotFoundError extends IntuneError {
  /** The likeliest reason; the message says what to do. */
  readonly reason: ServiceNotFoundReason;

  constructor(reason: ServiceNotFoundReason, message: string, context?: IntuneErrorContext) {
    super(reason === 'address' ? 'intune.endpoint_refused' : 'intune.service_not_found', message, context);
    this.reason = reason;
  }
}

/** By which Microsoft's support finds a request; each is absent when the answer did not name it. */
export interface RequestIds {
  /** `request-id` or `x-ms-request-id`, from the headers or the body. */
  readonly requestId?: string;
  /** `client-request-id` as the service understood it. */
  readonly clientRequestId?: string;
  /** `x-ms-correlation-request-id`, or Entra's correlation id. */
  readonly correlationId?: string;
  /** The `ActivityId` in the body of an error of Intune. */
  readonly activityId?: string;
}

/**
 * An HTTP answer that is no verdict: a status other than 200 (`intune.http`), or a 200 whose body is not the JSON that
 * was asked for (`intune.bad_reply`).
 */
export class IntuneHttpError extends IntuneError {
  /** HTTP status code. */
  readonly status: number;
  /** The start of the body, up to 4,096 characters, without secrets; empty when there was none. */
  readonly body: string;
  /** What the service said, dug out of the JSON in the body; absent when the body holds none. */
  declare readonly detail?: string;
  /** By which Microsoft's support finds the request; empty when the answer names none. */
  readonly requestIds: RequestIds;
  /** How long the service asked to wait (`Retry-After`), in milliseconds, at most a day; absent when it did not. */
  declare readonly retryAfterMs?: number;

  constructor(
    message: string,
    answer: {
      code: 'intune.http' | 'intune.bad_reply';
      status: number;
      body: string;
      detail?: string | undefined;
      requestIds?: RequestIds;
      retryAfterMs?: number | undefined;
    },
    context?: IntuneErrorContext,
  ) {
    super(answer.code, message, context);
    this.status = answer.status;
    this.body = answer.body;
    this.requestIds = answer.requestIds ?? {};
    if (answer.detail !== undefined) {
      this.detail = answer.detail;
    }
    if (answer.retryAfterMs !== undefined) {
      this.retryAfterMs = answer.retryAfterMs;
    }
  }
}

/** Intune answered, and its answer is not Success. After a rejected validation no certificate may be issued. */
export class IntuneRejectedError extends IntuneError {
  /** The known code in Microsoft's spelling; a code that is none of the 25 as Intune wrote it. */
  readonly resultCode: IntuneResultCode | (string & {});
  /** The code exactly as Intune wrote it. */
  readonly originalCode: string;
  /** Intune's text; empty when it sent none. */
  readonly description: string;
  /** The transaction that the answer is about. */
  readonly transactionId: string;
  /** What an administrator can do. */
  readonly advice: string;

  constructor(rejection: { originalCode: string; description: string; transactionId: string; activityId: string }) {
    const known = parseResultCode(rejection.originalCode);
    const resultCode = known ?? rejection.originalCode;
    const text = rejection.description === '' ? '' : `: ${rejection.description}`;
    super('intune.rejected', `Intune answered ${resultCode}${text}`, { activityId: rejection.activityId });
    this.resultCode = resultCode;
    this.originalCode = rejection.originalCode;
    this.description = rejection.description;
    this.transactionId = rejection.transactionId;
    this.advice = resultCodes[known ?? 'Unknown'].advice;
  }
}

/**
 * What kept the answer away:
 * - `dns`, `refused`, `connect_timeout`, `proxy`: there was no connection, so nothing was sent
 * - `tls`: the server's certificate, or the handshake, was not acceptable; nothing was sent
 * - `cut`: the connection broke; whether the request was acted on is unknown
 * - `closed`: the client is closed
 */
export type NetworkFailureReason = 'dns' | 'refused' | 'tls' | 'connect_timeout' | 'cut' | 'proxy' | 'closed' | 'other';

/** No complete HTTP answer arrived: name resolution, connection, TLS, or a connection cut half-way. */
export class IntuneNetworkError extends IntuneError {
  readonly reason: NetworkFailureReason;
  /** The HTTP status with which the proxy refused to connect; absent unless `reason` is `proxy` and it answered. */
  declare readonly proxyStatus?: number;

  constructor(
    message: string,
    context?: IntuneErrorContext & { reason?: NetworkFailureReason; proxyStatus?: number | undefined },
  ) {
    super('intune.network', message, context);
    this.reason = context?.reason ?? 'other';
    if (context?.proxyStatus !== undefined) {
      this.proxyStatus = context.proxyStatus;
    }
  }
}

/** There was no complete answer in time. Whether Intune acted on the request is unknown. */
export class IntuneTimeoutError extends IntuneError {
  /** The limit that ran out, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether `attemptTimeoutMs` ran out for one request, or `timeoutMs` for the whole call. */
  readonly limit: 'attempt' | 'call';

  constructor(timeoutMs: number, context?: IntuneErrorContext & { limit?: 'attempt' | 'call' }) {
    super('intune.timeout', `No complete answer within ${timeoutMs} ms`, context);
    this.timeoutMs = timeoutMs;
    this.limit = context?.limit ?? 'call';
  }
}

/**
 * Nothing was sent, because the service failed several times in a row or asked to be left alone: calls fail at once
 * until `retryAfterMs` have passed and a single one has succeeded. `cause` is the failure seen last.
 */
export class IntuneCircuitOpenError extends IntuneError {
  /** Which service is left alone. */
  readonly destination: DestinationName;
  /** When the next call can be let through, in milliseconds from now. */
  readonly retryAfterMs: number;

  constructor(destination: DestinationName, message: string, context: IntuneErrorContext & { retryAfterMs: number }) {
    super('intune.circuit_open', message, context);
    this.destination = destination;
    this.retryAfterMs = context.retryAfterMs;
  }
}

/**
 * Intune allows one download of revocation requests an hour, and the hour is not over; nothing was sent. What was
 * downloaded already is not handed out a second time.
 */
export class IntuneCoolDownError extends IntuneError {
  /** When the next download is allowed. */
  readonly until: Date;

  constructor(until: Date, context?: IntuneErrorContext) {
    const message = `Intune allows the next download of revocation requests at ${until.toISOString()}`;
    super('intune.cool_down', message, context);
    this.until = until;
  }
}
