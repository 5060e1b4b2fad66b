/** A withheld certificate that nobody claims in time is revoked, and Intune hears of a failure instead. */
import { failurePayload, OUTBOX_DELAY_MS } from '../enrollment/notify.ts';
import { StoreError } from '../store/store.ts';
import type { Enrollment, NewNotification, Store } from '../store/store.ts';

const BATCH = 64;

export interface UnclaimedParts {
  readonly store: Pick<Store, 'unclaimedEnrollments' | 'findSuccessNotification' | 'revoke'>;
  readonly now: () => Date;
  readonly withheldClaimMs: number;
  readonly onRevoked: (enrollment: Enrollment) => void;
}

/** @returns how many were revoked: the CRL is out of date when it is not zero */
export async function revokeUnclaimed({ store, now, withheldClaimMs, onRevoked }: UnclaimedParts): Promise<number> {
  const before = new Date(now().getTime() - withheldClaimMs);
  let count = 0;
  for (const enrollment of await store.unclaimedEnrollments(before, BATCH)) {
    const notification = await failureInstead(enrollment, store, now());
    const revocation = {
      serialNumber: enrollment.serialNumber,
      revokedAt: now(),
      reason: 'cessationOfOperation',
    } as const;
    // The device may have claimed it since it was listed: only one of the two can win.
    const revoked = await store.revoke(revocation, {
      onlyIf: 'withheld',
      ...(notification === undefined ? {} : { notification }),
    });
    if (!revoked) continue;
    count += 1;
    onRevoked(enrollment);
  }
  return count;
}

async function failureInstead(
  enrollment: Enrollment,
  store: UnclaimedParts['store'],
  now: Date,
): Promise<NewNotification | undefined> {
  const success = await store.findSuccessNotification(enrollment.serialNumber).catch((error: unknown) => {
    // A notification that cannot be unsealed any more must not keep its certificate, and those after it, from the CRL.
    if (error instanceof StoreError && error.code === 'store.unsealing_failed') return undefined;
    throw error;
  });
  if (success === undefined) return undefined;
  const { connection, endpoint, transactionId, serialNumber, payload } = success.notification;
  const failure = failurePayload('enrollment.unclaimed', payload.certificateRequest);
  if (failure === undefined) return undefined;
  // A success may be under way for a device that asks at this moment; the failure must come after it.
  const firstAttemptAt = new Date(now.getTime() + OUTBOX_DELAY_MS);
  return { kind: 'failure', connection, endpoint, transactionId, serialNumber, payload: failure, firstAttemptAt };
}
