/** The statements on `enrollments` and `challenges`. All of them run inside a transaction of the caller. */
import type { RevocationReason } from '@scepter/x509';
import type { Row, SqliteDatabase } from './sqlite.ts';
import { StoreError } from './store.ts';
import type {
  Authorization,
  CertificateRevocation,
  Enrollment,
  EnrollmentState,
  Intent,
  IntentOutcome,
  PollIdentity,
  RequestIdentity,
} from './store.ts';

const columns = `serial_number, authority, endpoint, transaction_id, public_key_sha256, request_sha256, state, authorizer,
  connection, activity_id, replaces, pending_request, issued_challenge, subject, not_before, not_after, certificate,
  recorded_at, revoked_at, revocation_reason`;

const currentOfIdentity = `is_current = 1 AND request_sha256 = $requestSha256 AND transaction_id = $transactionId
  AND public_key_sha256 = $publicKeySha256 AND endpoint = $endpoint`;

export class EnrollmentsTable {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  findCurrent(identity: RequestIdentity, now: Date): Enrollment | undefined {
    const current = this.#current(identity);
    return current === undefined || isExpired(current, now) ? undefined : current;
  }

  findBySerialNumber(serialNumber: string): Enrollment | undefined {
    const sql = `SELECT ${columns} FROM enrollments WHERE serial_number = $serialNumber`;
    const row = this.#database.get(sql, { serialNumber });
    return row === undefined ? undefined : toEnrollment(row);
  }

  findPolled(poll: PollIdentity, now: Date): Enrollment | undefined {
    const sql = `SELECT ${columns} FROM enrollments
      WHERE is_current = 1 AND state <> 'intended' AND transaction_id = $transactionId AND endpoint = $endpoint
        AND (public_key_sha256 = $signerKeySha256 OR replaces = $signerSerialNumber)
      ORDER BY sequence DESC LIMIT 1`;
    const { endpoint, transactionId, signerKeySha256, signerSerialNumber = null } = poll;
    const row = this.#database.get(sql, { endpoint, transactionId, signerKeySha256, signerSerialNumber });
    const found = row === undefined ? undefined : toEnrollment(row);
    return found === undefined || isExpired(found, now) ? undefined : found;
  }

  /** Whether a certificate of this very request is stored and has not expired. */
  isIssued({ identity, recordedAt }: Intent): boolean {
    const current = this.findCurrent(identity, recordedAt);
    return current !== undefined && current.state !== 'intended';
  }

  /** Unless `isIssued`. */
  recordIntent(intent: Intent): IntentOutcome {
    const current = this.#current(intent.identity);
    if (this.findBySerialNumber(intent.serialNumber) !== undefined) {
      throw new StoreError('store.serial_number_used', `The serial number ${intent.serialNumber} was used before`);
    }
    if (!this.#predecessorIsValid(intent)) return 'predecessor-not-valid';
    if (!this.#claimChallenge(intent)) return 'challenge-used';
    if (current !== undefined) this.#setAside(current);
    this.#insert(intent);
    return 'recorded';
  }

  /** It was valid when the renewal was authorized; it may have been revoked since. */
  #predecessorIsValid({ authorization }: Intent): boolean {
    return authorization.kind !== 'renewal' || this.findBySerialNumber(authorization.replaces)?.state === 'released';
  }

  /** False when no current intent holds the serial number. */
  storeCertificate(
    serialNumber: string,
    issued: { readonly certificate: Uint8Array; readonly storedAt: Date; readonly state: 'withheld' | 'released' },
  ): boolean {
    const storedAt = issued.storedAt.getTime();
    return this.#changes(
      `UPDATE enrollments SET state = $state, certificate = $certificate, tbs_certificate = NULL,
         stored_at = $storedAt, released_at = $releasedAt
       WHERE serial_number = $serialNumber AND state = 'intended'`,
      {
        serialNumber,
        state: issued.state,
        certificate: issued.certificate,
        storedAt,
        releasedAt: issued.state === 'released' ? storedAt : null,
      },
    );
  }

  release(serialNumber: string, releasedAt: Date): boolean {
    return this.#changes(
      `UPDATE enrollments SET state = 'released', released_at = $releasedAt
       WHERE serial_number = $serialNumber AND state = 'withheld'`,
      { serialNumber, releasedAt: releasedAt.getTime() },
    );
  }

  revoke(revocation: CertificateRevocation, onlyIf: EnrollmentState | undefined): boolean {
    return this.#changes(
      `UPDATE enrollments SET state = 'revoked', revoked_at = $revokedAt, revocation_reason = $reason
       WHERE serial_number = $serialNumber AND state IN ('withheld', 'released') AND state = coalesce($onlyIf, state)`,
      {
        serialNumber: revocation.serialNumber,
        revokedAt: revocation.revokedAt.getTime(),
        reason: revocation.reason,
        onlyIf: onlyIf ?? null,
      },
    );
  }

  listUnclaimed(before: Date, limit: number): Enrollment[] {
    const sql = `SELECT ${columns} FROM enrollments WHERE state = 'withheld' AND stored_at < $before
      ORDER BY stored_at, sequence LIMIT $limit`;
    return this.#database.all(sql, { before: before.getTime(), limit }).map(toEnrollment);
  }

  listRevocations(authority: string, now: Date): CertificateRevocation[] {
    const sql = `SELECT serial_number, revoked_at, revocation_reason FROM enrollments
      WHERE state = 'revoked' AND authority = $authority AND not_after >= $now ORDER BY revoked_at, sequence`;
    return this.#database.all(sql, { authority, now: now.getTime() }).map((row) => ({
      serialNumber: row.text('serial_number'),
      revokedAt: row.date('revoked_at'),
      reason: row.text('revocation_reason') as RevocationReason,
    }));
  }

  lastEnd(authority: string): Date | undefined {
    const sql = 'SELECT max(not_after) AS last FROM enrollments WHERE authority = $authority';
    return this.#database.get(sql, { authority })?.optionalDate('last');
  }

  listNewest(limit: number): Enrollment[] {
    const sql = `SELECT ${columns} FROM enrollments ORDER BY sequence DESC LIMIT $limit`;
    return this.#database.all(sql, { limit }).map(toEnrollment);
  }

  countByState(): Record<EnrollmentState, number> {
    const counts = { intended: 0, withheld: 0, released: 0, revoked: 0, abandoned: 0 };
    for (const row of this.#database.all('SELECT state, count(*) AS enrollments FROM enrollments GROUP BY state')) {
      counts[row.text('state') as EnrollmentState] = row.integer('enrollments');
    }
    return counts;
  }

  #current(identity: RequestIdentity): Enrollment | undefined {
    const sql = `SELECT ${columns} FROM enrollments WHERE ${currentOfIdentity}`;
    const row = this.#database.get(sql, identityParameters(identity));
    return row === undefined ? undefined : toEnrollment(row);
  }

  /**
   * One challenge, at most one certificate: the first request keeps it for ever, and may try again until a certificate
   * is stored for it.
   */
  #claimChallenge({ authorization, identity }: Intent): boolean {
    if (authorization.kind !== 'intune') return true;
    const digest = authorization.challengeDigest;
    const claimed = this.#changes(
      `INSERT INTO challenges (digest, endpoint, transaction_id, public_key_sha256, request_sha256)
       VALUES ($digest, $endpoint, $transactionId, $publicKeySha256, $requestSha256) ON CONFLICT DO NOTHING`,
      { digest, ...identityParameters(identity) },
    );
    if (claimed) return true;
    const claim = this.#database.get(
      `SELECT digest FROM challenges WHERE digest = $digest AND request_sha256 = $requestSha256
         AND transaction_id = $transactionId AND public_key_sha256 = $publicKeySha256 AND endpoint = $endpoint`,
      { digest, ...identityParameters(identity) },
    );
    const certificate = this.#database.get(
      'SELECT sequence FROM enrollments WHERE challenge_digest = $digest AND certificate IS NOT NULL LIMIT 1',
      { digest },
    );
    return claim !== undefined && certificate === undefined;
  }

  /** An intent is given up; an expired certificate keeps its state. */
  #setAside(current: Enrollment): void {
    this.#database.run(
      `UPDATE enrollments SET is_current = 0, state = iif(state = 'intended', 'abandoned', state)
       WHERE serial_number = $serialNumber`,
      { serialNumber: current.serialNumber },
    );
  }

  #insert(intent: Intent): void {
    const { authorization } = intent;
    const challengeUse = 'challengeUse' in authorization ? authorization.challengeUse : undefined;
    this.#database.run(
      `INSERT INTO enrollments (serial_number, authority, endpoint, transaction_id, public_key_sha256, request_sha256,
         is_current, state, authorizer, connection, activity_id, replaces, pending_request, issued_challenge,
         challenge_digest, subject, not_before, not_after, tbs_certificate, recorded_at)
       VALUES ($serialNumber, $authority, $endpoint, $transactionId, $publicKeySha256, $requestSha256,
         1, 'intended', $authorizer, $connection, $activityId, $replaces, $pendingRequest, $issuedChallenge,
         $challengeDigest, $subject, $notBefore, $notAfter, $tbsCertificate, $recordedAt)`,
      {
        ...identityParameters(intent.identity),
        serialNumber: intent.serialNumber,
        authority: intent.authority,
        authorizer: authorization.kind,
        connection: authorization.kind === 'intune' ? authorization.connection : null,
        activityId: authorization.kind === 'intune' ? authorization.activityId : null,
        replaces: authorization.kind === 'renewal' ? authorization.replaces : null,
        pendingRequest: authorization.kind === 'manual' ? authorization.pendingRequest : null,
        issuedChallenge: challengeUse?.kind === 'issued' ? challengeUse.id : null,
        challengeDigest: authorization.kind === 'intune' ? authorization.challengeDigest : null,
        subject: intent.subject,
        notBefore: intent.notBefore.getTime(),
        notAfter: intent.notAfter.getTime(),
        tbsCertificate: intent.tbsCertificate,
        recordedAt: intent.recordedAt.getTime(),
      },
    );
  }

  #changes(sql: string, parameters: Parameters<SqliteDatabase['run']>[1]): boolean {
    return this.#database.run(sql, parameters) > 0;
  }
}

/** Picks the four columns: a caller's object may have more. */
function identityParameters(identity: RequestIdentity): Record<keyof RequestIdentity, string> {
  const { endpoint, transactionId, publicKeySha256, requestSha256 } = identity;
  return { endpoint, transactionId, publicKeySha256, requestSha256 };
}

function isExpired(enrollment: Enrollment, now: Date): boolean {
  return enrollment.state !== 'intended' && enrollment.notAfter < now;
}

/** The table's CHECK constraints hold the values to those of the types. */
function toEnrollment(row: Row): Enrollment {
  const revokedAt = row.optionalDate('revoked_at');
  return {
    identity: {
      endpoint: row.text('endpoint'),
      transactionId: row.text('transaction_id'),
      publicKeySha256: row.text('public_key_sha256'),
      requestSha256: row.text('request_sha256'),
    },
    authority: row.text('authority'),
    authorization: toAuthorization(row),
    state: row.text('state') as EnrollmentState,
    serialNumber: row.text('serial_number'),
    subject: row.text('subject'),
    notBefore: row.date('not_before'),
    notAfter: row.date('not_after'),
    certificate: row.optionalBlob('certificate'),
    recordedAt: row.date('recorded_at'),
    revocation:
      revokedAt === undefined ? undefined : { revokedAt, reason: row.text('revocation_reason') as RevocationReason },
  };
}

function toAuthorization(row: Row): Authorization {
  const kind = row.text('authorizer') as Authorization['kind'];
  if (kind === 'intune') return { kind, connection: row.text('connection'), activityId: row.text('activity_id') };
  if (kind === 'renewal') return { kind, replaces: row.text('replaces') };
  if (kind === 'manual') return { kind, pendingRequest: row.integer('pending_request') };
  if (kind === 'one-time-challenge') return { kind, issuedChallenge: row.text('issued_challenge') };
  const issuedChallenge = row.optionalText('issued_challenge');
  return issuedChallenge === undefined ? { kind } : { kind, issuedChallenge };
}
