/** Delivers what Intune could not be told at once. At least once: a crash between delivery and record repeats it. */
import type { Notifier } from '../enrollment/notify.ts';
import { errorCode } from '../enrollment/steps.ts';
import type { PendingNotification, Store } from '../store/store.ts';

/** What is due at once is sent a few at a time, so that a long backlog does not meet Intune as a flood. */
const AT_ONCE = 8;
const BATCH = 64;

export interface OutboxParts {
  readonly store: Pick<Store, 'dueNotifications'>;
  readonly notifier: Pick<Notifier, 'deliver'>;
  readonly now: () => Date;
  readonly onAttempt: (
    notification: PendingNotification,
    result: { readonly activityId: string } | { readonly reason: string },
  ) => void;
}

/** One round: every notification that is due gets one attempt. */
export async function deliverDueNotifications({ store, notifier, now, onAttempt }: OutboxParts): Promise<void> {
  const due = await store.dueNotifications(now(), BATCH);
  const next = due[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (const notification of next) {
      try {
        onAttempt(notification, await notifier.deliver(notification));
      } catch (error) {
        onAttempt(notification, { reason: errorCode(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
