/** The store on a SQL database: each method is one transaction. Reads see committed writes only. */
import { AuthoritiesTable } from './authorities-table.ts';
import { CrlsTable } from './crls-table.ts';
import { EnrollmentsTable } from './enrollments-table.ts';
import { IssuedChallengesTable } from './issued-challenges-table.ts';
import { NotificationsTable } from './notifications-table.ts';
import { PendingRequestsTable } from './pending-requests-table.ts';
import type { SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';
import type { Intent, IntentOutcome, NewNotification, SecretBox, Store, StoreErrorCode } from './store.ts';
import { WholeStoreTable } from './whole-store-table.ts';
import { WriteQueue } from './write-queue.ts';

/** `database` has this release's schema and belongs to the store from now on. */
export function createSqlStore(database: SqliteDatabase, secretBox: SecretBox): Store {
  const tables: Tables = {
    enrollments: new EnrollmentsTable(database),
    notifications: new NotificationsTable(database, secretBox),
    crls: new CrlsTable(database),
    authorities: new AuthoritiesTable(database),
    pendingRequests: new PendingRequestsTable(database, secretBox),
    issuedChallenges: new IssuedChallengesTable(database),
    wholeStore: new WholeStoreTable(database),
  };
  const writes = new WriteQueue(database);
  return {
    ...enrollmentMethods(tables, writes),
    ...notificationMethods(tables, writes),
    ...pendingRequestMethods(tables, writes),
    ...issuedChallengeMethods(tables, writes),
    ...crlMethods(tables, writes),
    ...authorityMethods(tables, writes),
    summary: async () => ({
      enrollments: tables.enrollments.countByState(),
      pendingNotifications: tables.notifications.countPending(),
    }),
    close: async () => {
      writes.close();
      database.close();
    },
  };
}

interface Tables {
  readonly enrollments: EnrollmentsTable;
  readonly notifications: NotificationsTable;
  readonly crls: CrlsTable;
  readonly authorities: AuthoritiesTable;
  readonly pendingRequests: PendingRequestsTable;
  readonly issuedChallenges: IssuedChallengesTable;
  readonly wholeStore: WholeStoreTable;
}

function enrollmentMethods(tables: Tables, writes: WriteQueue) {
  const { enrollments, notifications, wholeStore } = tables;
  return {
    findEnrollment: async (identity, now) => enrollments.findCurrent(identity, now),
    findPolledEnrollment: async (poll, now) => enrollments.findPolled(poll, now),
    findBySerialNumber: async (serialNumber) => enrollments.findBySerialNumber(serialNumber),
    unclaimedEnrollments: async (before, limit) => enrollments.listUnclaimed(before, limit),
    listEnrollments: async (limit) => enrollments.listNewest(limit),
    recordIntent: (intent) => writes.write(() => recordIntent(intent, tables)),
    storeCertificate: ({ serialNumber, certificate, storedAt, notification }) =>
      writes.write(() => {
        const state = notification === undefined ? 'released' : 'withheld';
        if (!enrollments.storeCertificate(serialNumber, { certificate, storedAt, state })) {
          throw unknownSerialNumber(serialNumber);
        }
        if (notification === undefined) return;
        notifications.addInsteadOfFailures(aboutCertificate(notification, serialNumber), storedAt);
      }),
    release: (serialNumber, accepted) =>
      writes.write(() => {
        const released = enrollments.release(serialNumber, accepted.at);
        if (released) notifications.settleSuccess(serialNumber, accepted);
        return released;
      }),
    revoke: (revocation, { onlyIf, notification } = {}) =>
      writes.write(() => {
        if (!enrollments.revoke(revocation, onlyIf)) return false;
        wholeStore.countRevocation();
        notifications.cancelSuccess(revocation.serialNumber, revocation.revokedAt);
        if (notification !== undefined) notifications.add(notification, revocation.revokedAt);
        return true;
      }),
  } satisfies Partial<Store>;
}

/** Whatever objects does so before anything is written. */
function recordIntent(intent: Intent, tables: Tables): IntentOutcome {
  const { enrollments, notifications, pendingRequests, issuedChallenges } = tables;
  if (enrollments.isIssued(intent)) return 'already-issued';
  const { authorization, notification, recordedAt } = intent;
  const approvalHolds =
    authorization.kind !== 'manual' || pendingRequests.approvalHolds(authorization.pendingRequest, recordedAt);
  if (!approvalHolds) return 'approval-not-valid';
  const objection = issuedChallenges.objection(intent);
  if (objection !== undefined) return objection;
  const outcome = enrollments.recordIntent(intent);
  if (outcome !== 'recorded') return outcome;
  issuedChallenges.countUse(intent);
  if (notification !== undefined) notifications.addInsteadOfFailures(ofFailure(notification), recordedAt);
  return outcome;
}

function notificationMethods({ notifications }: Tables, writes: WriteQueue) {
  return {
    findSuccessNotification: async (serialNumber) => notifications.findSuccess(serialNumber),
    addNotification: (notification, createdAt) => writes.write(() => notifications.add(notification, createdAt)),
    dueNotifications: async (connection, now, limit) => {
      const { due, unreadable } = notifications.listDue(connection, now, limit);
      const givenUp = { at: now, reason: 'store.unsealing_failed' } satisfies { at: Date; reason: StoreErrorCode };
      await Promise.all(unreadable.map((id) => writes.write(() => notifications.giveUp(id, givenUp))));
      return due;
    },
    markDelivered: (id, delivered) => writes.write(() => notifications.markDelivered(id, delivered)),
    markAttemptFailed: (id, failed) => writes.write(() => notifications.markAttemptFailed(id, failed)),
    giveUp: (id, givenUp) => writes.write(() => notifications.giveUp(id, givenUp)),
  } satisfies Partial<Store>;
}

function pendingRequestMethods({ pendingRequests }: Tables, writes: WriteQueue) {
  return {
    addPendingRequest: (request, limits) => writes.write(() => pendingRequests.add(request, limits)),
    findPendingRequest: async (key, now) => pendingRequests.find(key, now),
    listPendingRequests: async (filter, now) => pendingRequests.list(filter, now),
    decidePendingRequest: (id, decision) => writes.write(() => pendingRequests.decide(id, decision)),
    expirePendingRequests: (now) => writes.write(() => pendingRequests.expire(now)),
  } satisfies Partial<Store>;
}

function issuedChallengeMethods({ issuedChallenges }: Tables, writes: WriteQueue) {
  return {
    addIssuedChallenge: (challenge) => writes.write(() => issuedChallenges.add(challenge)),
    findIssuedChallenge: async (digest) => issuedChallenges.find(digest),
    listIssuedChallenges: async (filter) => issuedChallenges.list(filter),
    revokeIssuedChallenge: (id, revocation) => writes.write(() => issuedChallenges.revoke(id, revocation)),
  } satisfies Partial<Store>;
}

function crlMethods({ enrollments, crls, wholeStore }: Tables, writes: WriteQueue) {
  return {
    listRevocations: async (authority, now) => enrollments.listRevocations(authority, now),
    revocationRevision: async () => wholeStore.revocationRevision(),
    latestCrl: async (authority) => crls.findLatest(authority),
    saveCrl: (crl) => writes.write(() => crls.save(crl)),
  } satisfies Partial<Store>;
}

function authorityMethods({ authorities, enrollments }: Tables, writes: WriteQueue) {
  return {
    listAuthorities: async () => authorities.list(),
    addAuthority: (authority) => writes.write(() => authorities.add(authority)),
    activateAuthority: (id, at) => writes.write(() => authorities.activate(id, at)),
    lastCertificateEnd: async (authority) => enrollments.lastEnd(authority),
  } satisfies Partial<Store>;
}

function ofFailure(notification: NewNotification): NewNotification {
  if (notification.kind === 'failure') return notification;
  throw new TypeError('The notification of an intent reports a failure');
}

function aboutCertificate(notification: NewNotification, serialNumber: string): NewNotification {
  if (notification.serialNumber === serialNumber) return notification;
  throw new TypeError('The notification is about another certificate');
}

function unknownSerialNumber(serialNumber: string): StoreError {
  return new StoreError('store.unknown_serial_number', `No current intent has the serial number ${serialNumber}`);
}
