/** The outbox: the statements on `notifications`. All of them run inside a transaction of the caller. */
import type { Row, SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';
import type {
  NewNotification,
  NotificationKind,
  NotificationPayload,
  PendingNotification,
  SecretBox,
} from './store.ts';

const columns = `id, kind, state, connection, endpoint, transaction_id, serial_number, sealed_payload, created_at,
  next_attempt_at, attempts`;

export class NotificationsTable {
  readonly #database: SqliteDatabase;
  readonly #secretBox: SecretBox;

  constructor(database: SqliteDatabase, secretBox: SecretBox) {
    this.#database = database;
    this.#secretBox = secretBox;
  }

  /** Of one transaction at one endpoint, Intune hears the newest outcome: earlier failures that wait are cancelled. */
  addInsteadOfFailures(notification: NewNotification, createdAt: Date): void {
    this.#cancelFailures(notification, createdAt);
    this.add(notification, createdAt);
  }

  add(notification: NewNotification, createdAt: Date): void {
    if (notification.kind !== notification.payload.kind) throw new TypeError('The payload is of another kind');
    this.#database.run(
      `INSERT INTO notifications (kind, state, connection, endpoint, transaction_id, serial_number, sealed_payload,
         created_at, next_attempt_at)
       VALUES ($kind, 'pending', $connection, $endpoint, $transactionId, $serialNumber, $sealedPayload,
         $createdAt, $nextAttemptAt)`,
      {
        kind: notification.kind,
        connection: notification.connection,
        endpoint: notification.endpoint,
        transactionId: notification.transactionId,
        serialNumber: notification.serialNumber ?? null,
        sealedPayload: this.#secretBox.seal(new TextEncoder().encode(JSON.stringify(notification.payload))),
        createdAt: createdAt.getTime(),
        nextAttemptAt: notification.firstAttemptAt.getTime(),
      },
    );
  }

  /** A success notification has a payload exactly as long as its certificate is withheld. */
  findSuccess(
    serialNumber: string,
  ): { readonly delivered: boolean; readonly notification: PendingNotification } | undefined {
    const row = this.#database.get(
      `SELECT ${columns} FROM notifications
       WHERE serial_number = $serialNumber AND kind = 'success' AND sealed_payload IS NOT NULL`,
      { serialNumber },
    );
    if (row === undefined) return undefined;
    return { delivered: row.text('state') === 'delivered', notification: this.#toPendingNotification(row) };
  }

  /** What is due; `unreadable` are the identifiers of those that the secret box does not open. */
  listDue(connection: string, now: Date, limit: number): { due: PendingNotification[]; unreadable: number[] } {
    const sql = `SELECT ${columns} FROM notifications
      WHERE connection = $connection AND state = 'pending' AND next_attempt_at <= $now
      ORDER BY next_attempt_at, id LIMIT $limit`;
    const due: PendingNotification[] = [];
    const unreadable: number[] = [];
    for (const row of this.#database.all(sql, { connection, now: now.getTime(), limit })) {
      try {
        due.push(this.#toPendingNotification(row));
      } catch (error) {
        if (!(error instanceof StoreError && error.code === 'store.unsealing_failed')) throw error;
        unreadable.push(row.integer('id'));
      }
    }
    return { due, unreadable };
  }

  markDelivered(id: number, delivered: { readonly at: Date; readonly activityId: string }): void {
    this.#database.run(
      `UPDATE notifications SET state = 'delivered', settled_at = $at, activity_id = $activityId,
         sealed_payload = iif(
           kind = 'success' AND EXISTS (
             SELECT 1 FROM enrollments
             WHERE enrollments.serial_number = notifications.serial_number AND enrollments.state = 'withheld'
           ), sealed_payload, NULL)
       WHERE id = $id AND state = 'pending'`,
      { id, at: delivered.at.getTime(), activityId: delivered.activityId },
    );
  }

  /** The certificate is released: its success notification was accepted, now if not by an earlier attempt. */
  settleSuccess(serialNumber: string, accepted: { readonly at: Date; readonly activityId: string | undefined }): void {
    const activityId = accepted.activityId ?? null;
    this.#endSuccess(serialNumber, { state: 'delivered', at: accepted.at.getTime(), activityId });
  }

  /** The certificate is revoked: nobody needs to hear of its success any more. */
  cancelSuccess(serialNumber: string, at: Date): void {
    this.#endSuccess(serialNumber, { state: 'cancelled', at: at.getTime(), activityId: null });
  }

  markAttemptFailed(id: number, failed: { readonly nextAttemptAt: Date; readonly reason: string }): void {
    this.#database.run(
      `UPDATE notifications SET attempts = attempts + 1, next_attempt_at = $nextAttemptAt, last_error = $reason
       WHERE id = $id AND state = 'pending'`,
      { id, nextAttemptAt: failed.nextAttemptAt.getTime(), reason: failed.reason },
    );
  }

  giveUp(id: number, givenUp: { readonly at: Date; readonly reason: string }): void {
    this.#database.run(
      `UPDATE notifications SET state = 'given-up', sealed_payload = NULL, settled_at = $at, last_error = $reason
       WHERE id = $id AND state = 'pending'`,
      { id, at: givenUp.at.getTime(), reason: givenUp.reason },
    );
  }

  countPending(): number {
    const row = this.#database.get("SELECT count(*) AS pending FROM notifications WHERE state = 'pending'");
    return row?.integer('pending') ?? 0;
  }

  #cancelFailures({ connection, endpoint, transactionId }: NewNotification, at: Date): void {
    this.#database.run(
      `UPDATE notifications SET state = 'cancelled', sealed_payload = NULL, settled_at = $at
       WHERE transaction_id = $transactionId AND endpoint = $endpoint AND connection = $connection
         AND state = 'pending' AND kind = 'failure'`,
      { transactionId, endpoint, connection, at: at.getTime() },
    );
  }

  /** What was settled before keeps how it was settled, and loses its payload. */
  #endSuccess(
    serialNumber: string,
    end: { readonly state: 'delivered' | 'cancelled'; readonly at: number; readonly activityId: string | null },
  ): void {
    this.#database.run(
      `UPDATE notifications SET sealed_payload = NULL,
         state = iif(state = 'pending', $state, state),
         settled_at = iif(state = 'pending', $at, settled_at),
         activity_id = iif(state = 'pending', $activityId, activity_id)
       WHERE serial_number = $serialNumber AND kind = 'success'`,
      { serialNumber, ...end },
    );
  }

  #toPendingNotification(row: Row): PendingNotification {
    const plaintext = this.#secretBox.open(row.blob('sealed_payload'));
    return {
      id: row.integer('id'),
      kind: row.text('kind') as NotificationKind,
      connection: row.text('connection'),
      endpoint: row.text('endpoint'),
      transactionId: row.text('transaction_id'),
      serialNumber: row.optionalText('serial_number'),
      // Authenticated encryption: it is what `add` wrote.
      payload: JSON.parse(new TextDecoder().decode(plaintext)) as NotificationPayload,
      firstAttemptAt: row.date('next_attempt_at'),
      attempts: row.integer('attempts'),
      createdAt: row.date('created_at'),
    };
  }
}
