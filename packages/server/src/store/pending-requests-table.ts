/** The statements on `pending_requests`. All of them run inside a transaction of the caller. */
import type {
  DecisionMade,
  NewPendingRequest,
  OpenedPendingRequest,
  PendingRequest,
  PendingRequestDecision,
  PendingRequestFilter,
  PendingRequestKey,
  PendingRequestLimits,
  PendingRequestState,
  Standing,
} from './pending-requests.ts';
import type { Row, SqliteDatabase, SqlParameters } from './sqlite.ts';
import type { RequestIdentity, SecretBox } from './store.ts';

/** What nobody ever decided on is no record of anything, and anybody can make such rows. */
const FORGOTTEN_AFTER_MS = 90 * 86_400_000;

/** What has ended is `expired`, whether or not it has been swept up; what was issued stays `approved`. */
const stateNow = `iif(state IN ('pending', 'approved') AND expires_at <= $now AND serial_number IS NULL,
  'expired', state)`;

const pendingRequests = `(SELECT pending_requests.*, (SELECT serial_number FROM enrollments
    WHERE pending_request = pending_requests.id AND certificate IS NOT NULL) AS serial_number
  FROM pending_requests)`;

const columns = `id, endpoint, transaction_id, public_key_sha256, request_sha256, signer_key_sha256, ${stateNow} AS state,
  subject, subject_alt_names, key_description, client_network, sealed_request, requested_at, expires_at, decided_at, decided_by, reason,
  serial_number`;

const sameRequest = `request_sha256 = $requestSha256 AND transaction_id = $transactionId
  AND public_key_sha256 = $publicKeySha256 AND endpoint = $endpoint`;

export class PendingRequestsTable {
  readonly #database: SqliteDatabase;
  readonly #secretBox: SecretBox;

  constructor(database: SqliteDatabase, secretBox: SecretBox) {
    this.#database = database;
    this.#secretBox = secretBox;
  }

  add(
    request: NewPendingRequest,
    limits: PendingRequestLimits,
  ): { id: number; state: PendingRequestState } | undefined {
    const { identity, requestedAt } = request;
    const earlier = this.find({ identity }, requestedAt);
    if (earlier !== undefined) return { id: earlier.id, state: earlier.state };
    const { ofClientNetwork, ofEndpoint } = this.#waiting(request);
    if (ofEndpoint >= limits.ofEndpoint || ofClientNetwork >= limits.ofClientNetwork) return undefined;
    this.#database.run(
      `UPDATE pending_requests SET is_current = 0 WHERE is_current = 1 AND ${sameRequest}`,
      identityParameters(identity),
    );
    return { id: this.#insert(request), state: 'pending' };
  }

  find(key: PendingRequestKey, now: Date): OpenedPendingRequest | undefined {
    const { condition, parameters } = conditionOf(key);
    const row = this.#database.get(
      `SELECT ${columns} FROM ${pendingRequests} WHERE ${condition} ORDER BY id DESC LIMIT 1`,
      { ...parameters, now: now.getTime() },
    );
    if (row === undefined) return undefined;
    const found = toPendingRequest(row);
    const hasEnded = found.state !== 'denied' && found.expiresAt <= now;
    // A request that comes again after its end, or after the end of what it got, starts anew.
    if (hasEnded && 'identity' in key) return undefined;
    const sealed = hasEnded ? undefined : row.optionalBlob('sealed_request');
    return { ...found, certificationRequest: sealed === undefined ? undefined : this.#secretBox.open(sealed) };
  }

  list({ state, endpoint, limit }: PendingRequestFilter, now: Date): PendingRequest[] {
    return this.#database
      .all(
        `SELECT * FROM (SELECT ${columns} FROM ${pendingRequests})
         WHERE state = coalesce($state, state) AND endpoint = coalesce($endpoint, endpoint)
         ORDER BY id DESC LIMIT $limit`,
        { state: state ?? null, endpoint: endpoint ?? null, limit, now: now.getTime() },
      )
      .map(toPendingRequest);
  }

  decide(id: number, { decision, at, by, reason }: PendingRequestDecision): boolean {
    const parameters = { id, at: at.getTime(), by, reason: reason ?? null };
    if (decision === 'approved') {
      return this.#changes(
        `UPDATE pending_requests SET state = 'approved', decided_at = $at, decided_by = $by, reason = $reason,
           expires_at = $at + (expires_at - requested_at)
         WHERE id = $id AND state = 'pending' AND expires_at > $at`,
        parameters,
      );
    }
    return this.#changes(
      `UPDATE pending_requests SET state = 'denied', decided_at = $at, decided_by = $by, reason = $reason,
         expires_at = NULL, sealed_request = NULL
       WHERE id = $id AND state IN ('pending', 'approved') AND expires_at > $at
         AND NOT EXISTS (SELECT 1 FROM enrollments WHERE pending_request = $id)`,
      parameters,
    );
  }

  expire(now: Date): number {
    const parameters = { now: now.getTime() };
    const issued = `EXISTS (SELECT 1 FROM enrollments WHERE pending_request = pending_requests.id
      AND certificate IS NOT NULL)`;
    this.#database.run(
      `UPDATE pending_requests SET sealed_request = NULL
       WHERE sealed_request IS NOT NULL AND expires_at <= $now AND ${issued}`,
      parameters,
    );
    this.#database.run(
      `DELETE FROM pending_requests
       WHERE state = 'expired' AND decided_at IS NULL AND expires_at <= $forgottenSince`,
      { forgottenSince: now.getTime() - FORGOTTEN_AFTER_MS },
    );
    return this.#database.run(
      `UPDATE pending_requests SET sealed_request = NULL, state = 'expired'
       WHERE sealed_request IS NOT NULL AND expires_at <= $now`,
      parameters,
    );
  }

  /** One approval, one certificate; and it may have been withdrawn since the request was authorized by it. */
  approvalHolds(id: number, now: Date): boolean {
    const row = this.#database.get(
      `SELECT id FROM ${pendingRequests}
       WHERE id = $id AND state = 'approved' AND expires_at > $now AND serial_number IS NULL`,
      { id, now: now.getTime() },
    );
    return row !== undefined;
  }

  #waiting({ identity: { endpoint }, clientNetwork, requestedAt }: NewPendingRequest): PendingRequestLimits {
    const row = this.#database.get(
      `SELECT count(*) AS of_endpoint, count(*) FILTER (WHERE client_network = $clientNetwork) AS of_client_network
       FROM pending_requests WHERE state = 'pending' AND endpoint = $endpoint AND expires_at > $now`,
      { endpoint, clientNetwork, now: requestedAt.getTime() },
    );
    if (row === undefined) throw new TypeError('A count without its row');
    return { ofEndpoint: row.integer('of_endpoint'), ofClientNetwork: row.integer('of_client_network') };
  }

  #insert(request: NewPendingRequest): number {
    const row = this.#database.get(
      `INSERT INTO pending_requests (endpoint, transaction_id, public_key_sha256, request_sha256, signer_key_sha256,
         is_current, state, subject, subject_alt_names, key_description, client_network, sealed_request, requested_at, expires_at)
       VALUES ($endpoint, $transactionId, $publicKeySha256, $requestSha256, $signerKeySha256,
         1, 'pending', $subject, $subjectAltNames, $keyDescription, $clientNetwork, $sealedRequest, $requestedAt, $expiresAt)
       RETURNING id`,
      {
        ...identityParameters(request.identity),
        signerKeySha256: request.signerKeySha256,
        subject: request.subject,
        subjectAltNames: JSON.stringify(request.subjectAltNames),
        keyDescription: request.keyDescription,
        clientNetwork: request.clientNetwork,
        sealedRequest: this.#secretBox.seal(request.certificationRequest),
        requestedAt: request.requestedAt.getTime(),
        expiresAt: request.expiresAt.getTime(),
      },
    );
    if (row === undefined) throw new TypeError('An insert without its row');
    return row.integer('id');
  }

  #changes(sql: string, parameters: SqlParameters): boolean {
    return this.#database.run(sql, parameters) > 0;
  }
}

function conditionOf(key: PendingRequestKey): { condition: string; parameters: SqlParameters } {
  if ('id' in key) return { condition: 'id = $id', parameters: { id: key.id } };
  if ('identity' in key) {
    return { condition: `is_current = 1 AND ${sameRequest}`, parameters: identityParameters(key.identity) };
  }
  const { endpoint, transactionId, signerKeySha256 } = key;
  return {
    condition: `is_current = 1 AND transaction_id = $transactionId AND endpoint = $endpoint
      AND signer_key_sha256 = $signerKeySha256`,
    parameters: { endpoint, transactionId, signerKeySha256 },
  };
}

function identityParameters(identity: RequestIdentity): Record<keyof RequestIdentity, string> {
  const { endpoint, transactionId, publicKeySha256, requestSha256 } = identity;
  return { endpoint, transactionId, publicKeySha256, requestSha256 };
}

/** The table's CHECK constraints hold the values to those of the types. */
function toPendingRequest(row: Row): PendingRequest {
  return {
    id: row.integer('id'),
    identity: {
      endpoint: row.text('endpoint'),
      transactionId: row.text('transaction_id'),
      publicKeySha256: row.text('public_key_sha256'),
      requestSha256: row.text('request_sha256'),
    },
    signerKeySha256: row.text('signer_key_sha256'),
    subject: row.text('subject'),
    subjectAltNames: JSON.parse(row.text('subject_alt_names')) as string[],
    keyDescription: row.text('key_description'),
    clientNetwork: row.text('client_network'),
    requestedAt: row.date('requested_at'),
    serialNumber: row.optionalText('serial_number'),
    ...toStanding(row),
  };
}

function toStanding(row: Row): Standing {
  const state = row.text('state') as PendingRequestState;
  switch (state) {
    case 'pending':
      return { state, expiresAt: row.date('expires_at'), decision: undefined };
    case 'approved':
      return { state, expiresAt: row.date('expires_at'), decision: toDecision(row) };
    case 'denied':
      return { state, expiresAt: undefined, decision: toDecision(row) };
    case 'expired': {
      const isDecided = row.optionalDate('decided_at') !== undefined;
      return { state, expiresAt: row.date('expires_at'), decision: isDecided ? toDecision(row) : undefined };
    }
  }
}

function toDecision(row: Row): DecisionMade {
  return { at: row.date('decided_at'), by: row.text('decided_by'), reason: row.optionalText('reason') };
}
