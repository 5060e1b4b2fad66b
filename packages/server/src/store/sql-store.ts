/** The store on a SQL database: each method is one transaction. Reads see committed writes only. */
import { EnrollmentsTable } from './enrollments-table.ts';
import { NotificationsTable } from './notifications-table.ts';
import type { SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';
import type { NewNotification, SecretBox, Store, StoredCrl } from './store.ts';
import { WriteQueue } from './write-queue.ts';

/** `database` has this release's schema and belongs to the store from now on. */
export function createSqlStore(database: SqliteDatabase, secretBox: SecretBox): Store {
  const enrollments = new EnrollmentsTable(database);
  const notifications = new NotificationsTable(database, secretBox);
  const writes = new WriteQueue(database);

  return {
    findEnrollment: async (identity, now) => enrollments.findCurrent(identity, now),
    findBySerialNumber: async (serialNumber) => enrollments.findBySerialNumber(serialNumber),
    unclaimedEnrollments: async (before, limit) => enrollments.listUnclaimed(before, limit),
    listRevocations: async (now) => enrollments.listRevocations(now),
    listEnrollments: async (limit) => enrollments.listNewest(limit),
    findSuccessNotification: async (serialNumber) => notifications.findSuccess(serialNumber),
    dueNotifications: async (now, limit) => notifications.listDue(now, limit),
    latestCrl: async () => readLatestCrl(database),
    summary: async () => ({
      enrollments: enrollments.countByState(),
      pendingNotifications: notifications.countPending(),
    }),

    recordIntent: (intent) => writes.write(() => enrollments.recordIntent(intent)),
    storeCertificate: ({ serialNumber, certificate, storedAt, notification }) =>
      writes.write(() => {
        const state = notification === undefined ? 'released' : 'withheld';
        if (!enrollments.storeCertificate(serialNumber, { certificate, storedAt, state })) {
          throw unknownSerialNumber(serialNumber);
        }
        if (notification !== undefined) notifications.add(aboutCertificate(notification, serialNumber), storedAt);
      }),
    release: (serialNumber, accepted) =>
      writes.write(() => {
        const released = enrollments.release(serialNumber, accepted.at);
        if (released) notifications.settleSuccess(serialNumber, accepted);
        return released;
      }),
    revoke: (revocation, { onlyIf, notification } = {}) =>
      writes.write(() => {
        const revoked = enrollments.revoke(revocation, onlyIf);
        if (revoked) notifications.cancelSuccess(revocation.serialNumber, revocation.revokedAt);
        if (revoked && notification !== undefined) notifications.add(notification, revocation.revokedAt);
        return revoked;
      }),
    addNotification: (notification, createdAt) => writes.write(() => notifications.add(notification, createdAt)),
    markDelivered: (id, delivered) => writes.write(() => notifications.markDelivered(id, delivered)),
    markAttemptFailed: (id, failed) => writes.write(() => notifications.markAttemptFailed(id, failed)),
    saveCrl: (crl) => writes.write(() => saveCrl(database, crl)),

    close: async () => {
      writes.close();
      database.close();
    },
  };
}

function aboutCertificate(notification: NewNotification, serialNumber: string): NewNotification {
  if (notification.serialNumber === serialNumber) return notification;
  throw new TypeError('The notification is about another certificate');
}

function unknownSerialNumber(serialNumber: string): StoreError {
  return new StoreError('store.unknown_serial_number', `No current intent has the serial number ${serialNumber}`);
}

/** The number leaves SQL as text: it may be beyond a JavaScript number's precision. */
function readLatestCrl(database: SqliteDatabase): StoredCrl | undefined {
  const row = database.get(`SELECT CAST(crl_number AS TEXT) AS crl_number, encoded, this_update, next_update
    FROM crls ORDER BY crls.crl_number DESC LIMIT 1`);
  if (row === undefined) return undefined;
  return {
    crlNumber: BigInt(row.text('crl_number')),
    encoded: row.blob('encoded'),
    thisUpdate: row.date('this_update'),
    nextUpdate: row.date('next_update'),
  };
}

/** Keeps the newest alone: a CRL repeats what earlier ones said, and each revocation makes one. */
function saveCrl(database: SqliteDatabase, crl: StoredCrl): void {
  const { crlNumber, encoded } = crl;
  const latest = database.get('SELECT 1 AS found FROM crls WHERE crl_number >= $crlNumber LIMIT 1', { crlNumber });
  if (latest !== undefined) {
    throw new StoreError('store.crl_number_used', `A CRL with number ${crlNumber} or a higher one exists`);
  }
  database.run('DELETE FROM crls');
  database.run(
    `INSERT INTO crls (crl_number, encoded, this_update, next_update)
     VALUES ($crlNumber, $encoded, $thisUpdate, $nextUpdate)`,
    { crlNumber, encoded, thisUpdate: crl.thisUpdate.getTime(), nextUpdate: crl.nextUpdate.getTime() },
  );
}
