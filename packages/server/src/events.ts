/** Everything that the server reports of its work, in one place: what an administrator can follow a transaction by. */
import type { StepReport } from './enrollment/steps.ts';
import { stepNumbers } from './enrollment/steps.ts';
import { describeRefusal } from './enrollment/refusals.ts';
import type { Logger } from './logger.ts';
import type { Enrollment, PendingNotification } from './store/store.ts';

export class Events {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  stepFinished(report: StepReport): void {
    const { step, refusal, reason, ...rest } = report;
    const event = {
      message: `${stepNumbers[step]} ${step}`,
      step,
      ...rest,
      ...(reason === undefined ? {} : { reason }),
    };
    if (report.outcome === 'failed')
      this.#logger.error({ ...event, ...(reason === undefined ? {} : { errorCode: reason }) });
    else if (refusal === undefined) this.#logger.info(event);
    else
      this.#logger.warn({
        ...event,
        errorCode: refusal,
        message: `${event.message}: ${describeRefusal(refusal).explanation}`,
      });
  }

  /** An HTTP answer without a CertRep in it: nothing was read that could name a transaction. */
  requestRefused(
    { status, reason }: { readonly status: number; readonly reason?: string },
    address: string | undefined,
  ): void {
    this.#logger.warn({
      message: `HTTP ${status}`,
      ...(reason === undefined ? {} : { reason }),
      ...(address === undefined ? {} : { address }),
    });
  }

  notificationAttempted(
    notification: PendingNotification,
    result: { readonly activityId: string } | { readonly reason: string },
  ): void {
    const { connection, endpoint, transactionId, serialNumber, attempts } = notification;
    const event = {
      message: `outbox: ${notification.kind} notification`,
      connection,
      endpoint,
      transactionId,
      attempt: attempts + 1,
      ...(serialNumber === undefined ? {} : { serialNumber }),
    };
    if ('activityId' in result) this.#logger.info({ ...event, outcome: 'done', ...result });
    else this.#logger.warn({ ...event, outcome: 'failed', ...result });
  }

  unclaimedRevoked({ identity, serialNumber, subject }: Enrollment): void {
    this.#logger.warn({
      message: 'A withheld certificate was not claimed in time and is revoked.',
      endpoint: identity.endpoint,
      transactionId: identity.transactionId,
      serialNumber,
      subject,
    });
  }

  registrationEnds(notAfter: Date): void {
    this.#logger.warn({
      message: `The RA certificate ends on ${notAfter.toISOString()}. A restart renews it.`,
    });
  }

  crlPublished(): void {
    this.#logger.info({ message: 'A new CRL is published.' });
  }

  started(url: string): void {
    this.#logger.info({ message: `Listening on ${url}` });
  }

  stopped(): void {
    this.#logger.info({ message: 'Stopped.' });
  }

  /** Something that has no refusal of its own. The message of the error stays inside: it may quote a request. */
  unexpected(message: string, error: unknown, context: { endpoint?: string; transactionId?: string } = {}): void {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    const name = error instanceof Error ? error.name : typeof error;
    const origin = error instanceof Error ? firstFrame(error) : undefined;
    this.#logger.error({
      message,
      errorCode: code ?? name,
      ...(origin === undefined ? {} : { reason: origin }),
      ...context,
    });
  }
}

/** Where it came from: a position in our code, without the message. */
function firstFrame(error: Error): string | undefined {
  return error.stack
    ?.split('\n')
    .find((line) => line.trimStart().startsWith('at '))
    ?.trim();
}
