/** What comes round while a server runs. */
import type { Notifier } from '../enrollment/notify.ts';
import type { Events } from '../events.ts';
import type { Store } from '../store/store.ts';
import type { CrlPublisher } from './crl-publisher.ts';
import { deliverDueNotifications } from './outbox.ts';
import { repeat } from './repeat.ts';
import type { Repeated } from './repeat.ts';
import { revokeUnclaimed } from './revoke-unclaimed.ts';

const OUTBOX_INTERVAL_MS = 2_000;
const UNCLAIMED_INTERVAL_MS = 10_000;
const PENDING_INTERVAL_MS = 60_000;
const CRL_INTERVAL_MS = 60_000;
const DAY_MS = 86_400_000;
/** The RA certificate is renewed at a start within this time of its end. */
const REGISTRATION_WARNING_MS = 30 * DAY_MS;
/** Clients need time to learn of the next CA, and certificates of this one get shorter towards its end. */
const AUTHORITY_WARNING_MS = 365 * DAY_MS;

export interface ScheduleParts {
  readonly store: Store;
  readonly connections: Iterable<string>;
  readonly notifier: Pick<Notifier, 'deliver'>;
  readonly crlPublisher: Pick<CrlPublisher, 'publishIfDue'>;
  /** The current RA's. */
  readonly registrationNotAfter: () => Date;
  /** The issuing CA's. */
  readonly authorityNotAfter: () => Date;
  readonly withheldClaimMs: number;
  readonly now: () => Date;
  readonly events: Events;
}

export interface Schedule {
  /** A CRL may have to be signed at once. */
  crlIsDue(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

export function schedule(parts: ScheduleParts): Schedule {
  const { store, notifier, crlPublisher, now, events } = parts;
  const failed = (what: string) => (error: unknown) => events.unexpected(`${what} failed; it is tried again.`, error);

  const outboxes = [...parts.connections].map((connection) =>
    repeat(
      OUTBOX_INTERVAL_MS,
      (signal) =>
        deliverDueNotifications(
          {
            connection,
            store,
            notifier,
            now,
            onAttempt: (notification, result) => events.notificationAttempted(notification, result),
          },
          signal,
        ),
      failed('Delivering notifications'),
    ),
  );
  const crl = repeat(
    CRL_INTERVAL_MS,
    async () => {
      if (await crlPublisher.publishIfDue()) events.crlPublished();
    },
    failed('Publishing the CRL'),
  );
  const unclaimed = repeat(
    UNCLAIMED_INTERVAL_MS,
    async () => {
      const onRevoked = events.unclaimedRevoked.bind(events);
      if ((await revokeUnclaimed({ store, now, withheldClaimMs: parts.withheldClaimMs, onRevoked })) > 0) crl.poke();
    },
    failed('Revoking unclaimed certificates'),
  );
  const pendingRequests = repeat(
    PENDING_INTERVAL_MS,
    async () => {
      const expired = await store.expirePendingRequests(now());
      if (expired > 0) events.pendingRequestsExpired(expired);
    },
    failed('Ending requests that waited too long'),
  );
  const warnOfEnds = (): void => {
    const { registrationNotAfter, authorityNotAfter } = parts;
    const isWithin = (notAfter: Date, durationMs: number): boolean => notAfter.getTime() - now().getTime() < durationMs;
    if (isWithin(authorityNotAfter(), AUTHORITY_WARNING_MS)) events.authorityEnds(authorityNotAfter());
    else if (isWithin(registrationNotAfter(), REGISTRATION_WARNING_MS)) events.registrationEnds(registrationNotAfter());
  };
  warnOfEnds();
  const ends = repeat(DAY_MS, async () => warnOfEnds(), failed('Looking at the ends of the CA certificates'));
  const all: readonly Repeated[] = [...outboxes, crl, unclaimed, pendingRequests, ends];
  return {
    crlIsDue: () => crl.poke(),
    stop: async () => void (await Promise.all(all.map((work) => work.stop()))),
  };
}
