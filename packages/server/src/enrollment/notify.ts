/** Step 8 and the outbox: what Intune is told, now or as soon as it listens again. */
import { IntuneError } from '@scepter/intune';
import type { NewNotification, NotificationPayload, PendingNotification, Store } from '../store/store.ts';
import type { OpenedRequest } from '../workers/jobs.ts';
import type { IntuneConnection } from './intune-connection.ts';
import { describeRefusal, RefusalError } from './refusals.ts';
import type { RefusalCode } from './refusals.ts';
import { errorCode } from './steps.ts';

const FIRST_RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 3_600_000;

/** Doubling from 15 seconds to an hour. */
export function retryDelayMs(attempts: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts, 16));
}

export interface SuccessNotifier {
  /**
   * Tells Intune of a withheld certificate, unless the outbox has done so already.
   * @throws RefusalError `notification.not_accepted`; the notification stays in the outbox.
   */
  tellSuccess(serialNumber: string): Promise<{ readonly activityId: string | undefined }>;
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

  async tellSuccess(serialNumber: string): Promise<{ readonly activityId: string | undefined }> {
    const found = await this.#parts.store.findSuccessNotification(serialNumber);
    if (found === undefined) throw new RefusalError('notification.not_accepted', { reason: 'no notification' });
    if (found.delivered) return { activityId: undefined };
    try {
      return await this.#send(found.notification);
    } catch (cause) {
      await this.#postpone(found.notification, cause);
      const activityId = cause instanceof IntuneError ? cause.activityId : undefined;
      throw new RefusalError('notification.not_accepted', { reason: errorCode(cause), activityId, cause });
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
  async deliver(notification: PendingNotification): Promise<{ readonly activityId: string }> {
    try {
      const { activityId } = await this.#send(notification);
      await this.#parts.store.markDelivered(notification.id, { at: this.#parts.now(), activityId });
      return { activityId };
    } catch (cause) {
      await this.#postpone(notification, cause);
      throw cause;
    }
  }

  async #send(notification: NewNotification): Promise<{ activityId: string }> {
    const connection = this.#parts.connections.get(notification.connection);
    // The connection was taken out of the configuration; it may come back.
    if (connection === undefined) throw new RefusalError('notification.not_accepted', { reason: 'no such connection' });
    const { transactionId, payload } = notification;
    return payload.kind === 'success'
      ? connection.client.notifySuccess({
          ...successArguments(payload),
          transactionId,
        })
      : connection.client.notifyFailure({
          transactionId,
          certificateRequest: payload.certificateRequest,
          hResult: payload.hResult,
          errorDescription: payload.errorDescription,
        });
  }

  async #postpone(notification: PendingNotification, cause: unknown): Promise<void> {
    const nextAttemptAt = new Date(this.#parts.now().getTime() + retryDelayMs(notification.attempts));
    await this.#parts.store.markAttemptFailed(notification.id, { nextAttemptAt, reason: errorCode(cause) });
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
