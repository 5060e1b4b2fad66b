/** Delivers what Intune could not be told at once. At least once: a crash between delivery and record repeats it. */
import type { Notifier } from '../enrollment/notify.ts';
import { describeIntuneFailure, type IntuneFailure } from '../enrollment/intune-failure.ts';
import type { PendingNotification, Store } from '../store/store.ts';

/** What is due at once is sent a few at a time, so that a long backlog does not meet Intune as a flood. */
const AT_ONCE = 8;
const BATCH = 64;

export interface OutboxParts {
  /** Each connection has an outbox of its own: a tenant that does not answer holds up nobody else. */
  readonly connection: string;
  readonly store: Pick<Store, 'dueNotifications'>;
  readonly notifier: Pick<Notifier, 'deliver'>;
  readonly now: () => Date;
  readonly onAttempt: (
    notification: PendingNotification,
    result: { readonly activityId: string } | IntuneFailure,
  ) => void;
}

/** One round: every notification that is due gets one attempt. Ends early when `signal` does. */
export async function deliverDueNotifications(parts: OutboxParts, signal: AbortSignal): Promise<void> {
  const { connection, store, notifier, now, onAttempt } = parts;
  const due = await store.dueNotifications(connection, now(), BATCH);
  const next = due[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (const notification of next) {
      if (signal.aborted) return;
      try {
        onAttempt(notification, await notifier.deliver(notification, signal));
      } catch (error) {
        onAttempt(notification, describeIntuneFailure(error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
