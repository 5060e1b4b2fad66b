/** Step 8 and the outbox: what Intune is told, now or as soon as it listens again. */
import type { NewNotification, NotificationPayload, PendingNotification, Store } from '../store/store.ts';
import type { OpenedRequest } from '../workers/jobs.ts';
import type { IntuneConnection } from './intune-connection.ts';
import { describeIntuneFailure } from './intune-failure.ts';
import { describeRefusal, RefusalError } from './refusals.ts';
import type { RefusalCode } from './refusals.ts';
import { errorCode } from './steps.ts';

/**
 * The request itself tells Intune at once; the outbox only takes over when that cannot be under way any more: a call ends
 * after 60 seconds at the latest.
 */
export const OUTBOX_DELAY_MS = 90_000;

const FIRST_RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 3_600_000;
/** What Intune has not taken in a week it will not take: the request in it, with its challenge, is not kept for ever. */
const LONGEST_AGE_MS = 7 * 86_400_000;

/** Doubling from 15 seconds to an hour. */
export function retryDelayMs(attempts: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 16));
}

export interface ToldSuccess {
  readonly connection: string;
  /** Absent when the outbox had told it before. */
  readonly activityId: string | undefined;
}

export interface SuccessNotifier {
  /**
   * Tells Intune of a withheld certificate, unless the outbox has done so already.
   * @throws RefusalError `notification.not_accepted`; the notification stays in the outbox.
   */
  tellSuccess(serialNumber: string): Promise<ToldSuccess>;
}

export interface FailureNotifier {
  /** Queues the report of a refusal, where Intune is to hear of it. */
  queueFailure(request: OpenedRequest, endpoint: string, connection: string, code: RefusalCode): Promise<void>;
}

export interface NotifierParts {
  readonly store: Store;
  readonly connections: ReadonlyMap<string, IntuneConnection>;
  readonly now: () => Date;
}

export class Notifier implements SuccessNotifier, FailureNotifier {
  readonly #parts: NotifierParts;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
  }

  async tellSuccess(serialNumber: string): Promise<ToldSuccess> {
    const found = await this.#parts.store.findSuccessNotification(serialNumber);
    if (found === undefined) throw new RefusalError('notification.not_accepted', { reason: 'no notification' });
    const { connection } = found.notification;
    if (found.delivered) return { connection, activityId: undefined };
    try {
      return { connection, ...(await this.#send(found.notification)) };
    } catch (cause) {
      await this.#postpone(found.notification, cause);
      throw new RefusalError('notification.not_accepted', { ...describeIntuneFailure(cause), cause });
    }
  }

  async queueFailure(request: OpenedRequest, endpoint: string, connection: string, code: RefusalCode): Promise<void> {
    const payload = failurePayload(code, Buffer.from(request.certificationRequest).toString('base64'));
    if (payload === undefined) return;
    const now = this.#parts.now();
    await this.#parts.store.addNotification(
      {
        kind: 'failure',
        connection,
        endpoint,
        transactionId: request.address.transactionId,
        serialNumber: undefined,
        payload,
        firstAttemptAt: now,
      },
      now,
    );
  }

  /**
   * One attempt of the outbox. A success that Intune accepts here does not release its certificate: the device has had
   * a failure, and gets the certificate when it asks again.
   */
  async deliver(notification: PendingNotification, signal: AbortSignal): Promise<{ readonly activityId: string }> {
    try {
      const { activityId } = await this.#send(notification, signal);
      await this.#parts.store.markDelivered(notification.id, { at: this.#parts.now(), activityId });
      return { activityId };
    } catch (cause) {
      await this.#postpone(notification, cause);
      throw cause;
    }
  }

  async #send(notification: NewNotification, signal?: AbortSignal): Promise<{ activityId: string }> {
    const connection = this.#parts.connections.get(notification.connection);
    // The connection was taken out of the configuration; it may come back.
    if (connection === undefined) throw new RefusalError('notification.not_accepted', { reason: 'no such connection' });
    const { transactionId, payload } = notification;
    const abort = signal === undefined ? {} : { signal };
    return payload.kind === 'success'
      ? connection.client.notifySuccess({
          ...successArguments(payload),
          transactionId,
          ...abort,
        })
      : connection.client.notifyFailure({
          transactionId,
          certificateRequest: payload.certificateRequest,
          hResult: payload.hResult,
          errorDescription: payload.errorDescription,
          ...abort,
        });
  }

  async #postpone(notification: PendingNotification, cause: unknown): Promise<void> {
    const now = this.#parts.now();
    const reason = errorCode(cause);
    if (now.getTime() - notification.createdAt.getTime() > LONGEST_AGE_MS) {
      return this.#parts.store.giveUp(notification.id, { at: now, reason });
    }
    const nextAttemptAt = new Date(now.getTime() + retryDelayMs(notification.attempts));
    await this.#parts.store.markAttemptFailed(notification.id, { nextAttemptAt, reason });
  }
}

/** Undefined where Intune must not hear of the refusal. */
export function failurePayload(code: RefusalCode, certificateRequest: string): NotificationPayload | undefined {
  const { hResult, explanation } = describeRefusal(code);
  if (hResult === undefined) return undefined;
  return { kind: 'failure', certificateRequest, hResult, errorDescription: `${code}: ${explanation}`.slice(0, 255) };
}

function successArguments(payload: Extract<NotificationPayload, { kind: 'success' }>) {
  return {
    certificateRequest: payload.certificateRequest,
    certificateThumbprint: payload.certificateThumbprint,
    certificateSerialNumber: payload.certificateSerialNumber,
    certificateExpirationDateUtc: new Date(payload.certificateExpirationDateUtc),
    issuingCertificateAuthority: payload.issuingCertificateAuthority,
  };
}
