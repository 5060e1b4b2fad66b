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
  | 'intune.timeout';

interface ErrorContext {
  /** The `client-request-id` of the failed request; absent when nothing was about to be sent. */
  readonly activityId?: string | undefined;
  readonly cause?: unknown;
}

/**
 * Base of every error of this package. Messages, properties and causes hold no secret: no token, no client secret,
 * no certificate request and no challenge.
 */
export class IntuneError extends Error {
  /** Stable identifier of the kind of failure. */
  readonly code: IntuneErrorCode;
  /**
   * The GUID by which Microsoft's logs know the failed request (`client-request-id`). Calls that shared a token or
   * discovery request share its activity id. Absent only on errors of the constructor.
   */
  readonly activityId?: string;

  constructor(code: IntuneErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.code = code;
    if (context.activityId !== undefined) {
      this.activityId = context.activityId;
    }
  }
}

/** An argument or option of the caller is unusable; nothing was sent. */
export class IntuneArgumentError extends IntuneError {
  /** The argument's name, as in `certificateRequest` or `tls.ca`. */
  readonly argument: string;

  constructor(argument: string, problem: string, context?: ErrorContext) {
    super('intune.argument', `${argument}: ${problem}`, context);
    this.argument = argument;
  }
}

/** Microsoft Entra gave no token, or a service refused a fresh one (HTTP 401). */
export class IntuneAuthenticationError extends IntuneError {
  /** Entra's numbered reason, such as `AADSTS7000215`; absent when the answer named none. */
  readonly entraCode?: string;

  constructor(message: string, context?: ErrorContext & { entraCode?: string | undefined }) {
    super('intune.authentication', message, context);
    if (context?.entraCode !== undefined) {
      this.entraCode = context.entraCode;
    }
  }
}

/** The application lacks an application permission, or the administrator's consent to it (HTTP 403). */
export class IntunePermissionError extends IntuneError {
  /** The permission to grant. */
  readonly permission: 'Application.Read.All' | 'scep_challenge_provider';

  constructor(permission: IntunePermissionError['permission'], message: string, context?: ErrorContext) {
    super('intune.permission', message, context);
    this.permission = permission;
  }
}

/**
 * Microsoft Graph names no SCEP validation service for the tenant (`intune.service_not_found`), or one that must not
 * be given a token because its address is not Microsoft's (`intune.endpoint_refused`).
 */
export class IntuneServiceNotFoundError extends IntuneError {
  constructor(
    message: string,
    context?: ErrorContext & { code?: 'intune.service_not_found' | 'intune.endpoint_refused' },
  ) {
    super(context?.code ?? 'intune.service_not_found', message, context);
  }
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
  readonly detail?: string;

  constructor(
    message: string,
    answer: {
      code: 'intune.http' | 'intune.bad_reply';
      status: number;
      body: string;
      detail?: string | undefined;
    },
    context?: ErrorContext,
  ) {
    super(answer.code, message, context);
    this.status = answer.status;
    this.body = answer.body;
    if (answer.detail !== undefined) {
      this.detail = answer.detail;
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

/** No complete HTTP answer arrived: name resolution, connection, TLS, or a connection cut half-way. */
export class IntuneNetworkError extends IntuneError {
  constructor(message: string, context?: ErrorContext) {
    super('intune.network', message, context);
  }
}

/** The call took longer than `timeoutMs`. Whether Intune acted on it is unknown. */
export class IntuneTimeoutError extends IntuneError {
  /** The limit that ran out, in milliseconds. */
  readonly timeoutMs: number;

  constructor(timeoutMs: number, context?: ErrorContext) {
    super('intune.timeout', `No complete answer within ${timeoutMs} ms`, context);
    this.timeoutMs = timeoutMs;
  }
}
