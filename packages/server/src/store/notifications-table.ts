/** The outbox: the statements on `notifications`. All of them run inside a transaction of the caller. */
import type { Row, SqliteDatabase } from './sqlite.ts';
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

  listDue(now: Date, limit: number): PendingNotification[] {
    const sql = `SELECT ${columns} FROM notifications WHERE state = 'pending' AND next_attempt_at <= $now
      ORDER BY id LIMIT $limit`;
    return this.#database.all(sql, { now: now.getTime(), limit }).map((row) => this.#toPendingNotification(row));
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
      `UPDATE notifications SET attempts = attempts + 1, next_attempt_at = $nextAttemptAt, last_failure = $reason
       WHERE id = $id AND state = 'pending'`,
      { id, nextAttemptAt: failed.nextAttemptAt.getTime(), reason: failed.reason },
    );
  }

  countPending(): number {
    const row = this.#database.get("SELECT count(*) AS pending FROM notifications WHERE state = 'pending'");
    return row?.integer('pending') ?? 0;
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
