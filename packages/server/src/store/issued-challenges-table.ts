/** The statements on `issued_challenges` and `challenge_uses`. All of them run inside a transaction of the caller. */
import type {
  ChallengeBinding,
  ChallengeRevocation,
  ChallengeUse,
  IssuedChallenge,
  IssuedChallengeFilter,
  IssuedChallengeKind,
  NewIssuedChallenge,
  RevokedChallenge,
} from './issued-challenges.ts';
import type { Row, SqliteDatabase } from './sqlite.ts';
import type { Intent, IntentOutcome } from './store.ts';

const columns = `id, endpoint, kind, label, subject, subject_alt_names, created_at, created_by, expires_at,
  maximum_uses, revoked_at, revoked_by,
  coalesce((SELECT uses FROM challenge_use_counts WHERE challenge = issued_challenges.id), 0) AS uses`;

/** So long a challenge that is tried late is told to be expired, and not to be wrong. */
const FORGET_AFTER_MS = 90 * 86_400_000;
const FORGET_AT_ONCE = 100;

export class IssuedChallengesTable {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  add(challenge: NewIssuedChallenge): void {
    const { binding, createdAt, expiresAt, label, maximumUses } = challenge;
    this.#forget(new Date(createdAt.getTime() - FORGET_AFTER_MS));
    this.#database.run(
      `INSERT INTO issued_challenges (id, digest, endpoint, kind, label, subject, subject_alt_names, created_at,
         created_by, expires_at, maximum_uses)
       VALUES ($id, $digest, $endpoint, $kind, $label, $subject, $subjectAltNames, $createdAt, $createdBy, $expiresAt,
         $maximumUses)`,
      {
        id: challenge.id,
        digest: challenge.digest,
        endpoint: challenge.endpoint,
        kind: challenge.kind,
        label: label ?? null,
        subject: binding?.subject ?? null,
        subjectAltNames: binding === undefined ? null : JSON.stringify(binding.subjectAltNames),
        createdAt: createdAt.getTime(),
        createdBy: challenge.createdBy,
        expiresAt: expiresAt.getTime(),
        maximumUses: maximumUses ?? null,
      },
    );
  }

  find(digest: string): IssuedChallenge | undefined {
    const row = this.#database.get(`SELECT ${columns} FROM issued_challenges WHERE digest = $digest`, { digest });
    return row === undefined ? undefined : toIssuedChallenge(row);
  }

  list({ endpoint, limit }: IssuedChallengeFilter): IssuedChallenge[] {
    const sql = `SELECT ${columns} FROM issued_challenges WHERE endpoint = coalesce($endpoint, endpoint)
      ORDER BY created_at DESC, id LIMIT $limit`;
    return this.#database.all(sql, { endpoint: endpoint ?? null, limit }).map(toIssuedChallenge);
  }

  revoke(id: string, { at, by }: ChallengeRevocation): RevokedChallenge {
    const sql = `UPDATE issued_challenges SET revoked_at = $at, revoked_by = $by
      WHERE id = $id AND revoked_at IS NULL`;
    if (this.#database.run(sql, { id, at: at.getTime(), by }) > 0) return 'revoked';
    return this.#findById(id) === undefined ? 'unknown' : 'revoked-before';
  }

  /** Why the intent may not use its challenge now; undefined when it may. Writes nothing. */
  objection(intent: Intent): Exclude<IntentOutcome, 'recorded'> | undefined {
    const use = challengeUseOf(intent);
    if (use === undefined) return undefined;
    const issued = use.kind === 'issued' ? this.#findById(use.id) : undefined;
    if (use.kind === 'issued') {
      if (issued === undefined || issued.revocation !== undefined) return 'challenge-revoked';
      if (issued.expiresAt <= intent.recordedAt) return 'challenge-expired';
    }
    const challenge = use.kind === 'issued' ? use.id : use.digest;
    const maximumUses = use.kind === 'issued' ? issued?.maximumUses : use.maximumUses;
    if (this.#isUsedBy(challenge, intent)) return this.#hadCertificate(intent) ? 'challenge-used' : undefined;
    return maximumUses !== undefined && this.#countUses(challenge) >= maximumUses ? 'challenge-used' : undefined;
  }

  /** The same request again is the same use. */
  countUse(intent: Intent): void {
    const use = challengeUseOf(intent);
    if (use === undefined) return;
    const { identity, recordedAt } = intent;
    const challenge = use.kind === 'issued' ? use.id : use.digest;
    const isNew = this.#database.run(
      `INSERT INTO challenge_uses (challenge, endpoint, transaction_id, public_key_sha256, request_sha256, used_at)
       VALUES ($challenge, $endpoint, $transactionId, $publicKeySha256, $requestSha256, $usedAt) ON CONFLICT DO NOTHING`,
      {
        challenge,
        endpoint: identity.endpoint,
        transactionId: identity.transactionId,
        publicKeySha256: identity.publicKeySha256,
        requestSha256: identity.requestSha256,
        usedAt: recordedAt.getTime(),
      },
    );
    if (isNew === 0) return;
    this.#database.run(
      `INSERT INTO challenge_use_counts (challenge, uses) VALUES ($challenge, 1)
       ON CONFLICT (challenge) DO UPDATE SET uses = uses + 1`,
      { challenge },
    );
  }

  #findById(id: string): IssuedChallenge | undefined {
    const row = this.#database.get(`SELECT ${columns} FROM issued_challenges WHERE id = $id`, { id });
    return row === undefined ? undefined : toIssuedChallenge(row);
  }

  #countUses(challenge: string): number {
    const sql = 'SELECT uses FROM challenge_use_counts WHERE challenge = $challenge';
    return this.#database.get(sql, { challenge })?.integer('uses') ?? 0;
  }

  #isUsedBy(challenge: string, { identity }: Intent): boolean {
    const { endpoint, transactionId, publicKeySha256, requestSha256 } = identity;
    const sql = `SELECT 1 AS found FROM challenge_uses
      WHERE challenge = $challenge AND request_sha256 = $requestSha256 AND transaction_id = $transactionId
        AND public_key_sha256 = $publicKeySha256 AND endpoint = $endpoint`;
    const parameters = { challenge, endpoint, transactionId, publicKeySha256, requestSha256 };
    return this.#database.get(sql, parameters) !== undefined;
  }

  /** One use, at most one certificate, also when that has expired. */
  #hadCertificate({ identity, recordedAt }: Intent): boolean {
    const { endpoint, transactionId, publicKeySha256, requestSha256 } = identity;
    const sql = `SELECT 1 AS found FROM enrollments
      WHERE is_current = 1 AND request_sha256 = $requestSha256 AND transaction_id = $transactionId
        AND public_key_sha256 = $publicKeySha256 AND endpoint = $endpoint
        AND certificate IS NOT NULL AND not_after < $recordedAt`;
    const parameters = { endpoint, transactionId, publicKeySha256, requestSha256, recordedAt: recordedAt.getTime() };
    return this.#database.get(sql, parameters) !== undefined;
  }

  #forget(before: Date): void {
    const sql = 'SELECT id FROM issued_challenges WHERE expires_at < $before ORDER BY expires_at LIMIT $limit';
    for (const row of this.#database.all(sql, { before: before.getTime(), limit: FORGET_AT_ONCE })) {
      const id = row.text('id');
      this.#database.run('DELETE FROM challenge_uses WHERE challenge = $id', { id });
      this.#database.run('DELETE FROM challenge_use_counts WHERE challenge = $id', { id });
      this.#database.run('DELETE FROM issued_challenges WHERE id = $id', { id });
    }
  }
}

function challengeUseOf({ authorization }: Intent): ChallengeUse | undefined {
  return 'challengeUse' in authorization ? authorization.challengeUse : undefined;
}

/** The table's CHECK constraints hold the values to those of the types. */
function toIssuedChallenge(row: Row): IssuedChallenge {
  const revokedAt = row.optionalDate('revoked_at');
  return {
    id: row.text('id'),
    endpoint: row.text('endpoint'),
    kind: row.text('kind') as IssuedChallengeKind,
    label: row.optionalText('label'),
    binding: toBinding(row.optionalText('subject'), row.optionalText('subject_alt_names')),
    createdAt: row.date('created_at'),
    createdBy: row.text('created_by'),
    expiresAt: row.date('expires_at'),
    maximumUses: row.optionalInteger('maximum_uses'),
    uses: row.integer('uses'),
    revocation: revokedAt === undefined ? undefined : { at: revokedAt, by: row.text('revoked_by') },
  };
}

function toBinding(subject: string | undefined, subjectAltNames: string | undefined): ChallengeBinding | undefined {
  if (subject === undefined) return undefined;
  // `add` alone writes this column.
  return { subject, subjectAltNames: JSON.parse(subjectAltNames ?? '[]') as string[] };
}
