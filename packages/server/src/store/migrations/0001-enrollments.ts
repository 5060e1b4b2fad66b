/**
 * Instants are milliseconds since 1970, serial numbers upper-case hex, digests lower-case hex.
 *
 * `challenges` outlives the enrollments' states: whatever becomes of an intent or a certificate, its challenge stays
 * with the request that claimed it. A stored certificate contains what was to be signed, so only intents keep a copy.
 * `whole_store` has one row for ever.
 */
export const enrollments = `
CREATE TABLE challenges (
  digest             TEXT PRIMARY KEY,
  endpoint           TEXT NOT NULL,
  transaction_id     TEXT NOT NULL,
  public_key_sha256  TEXT NOT NULL,
  request_sha256     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE enrollments (
  sequence           INTEGER PRIMARY KEY,
  serial_number      TEXT NOT NULL UNIQUE,
  endpoint           TEXT NOT NULL,
  transaction_id     TEXT NOT NULL,
  public_key_sha256  TEXT NOT NULL,
  request_sha256     TEXT NOT NULL,
  is_current         INTEGER NOT NULL CHECK (is_current IN (0, 1)),
  state              TEXT NOT NULL CHECK (state IN ('intended', 'withheld', 'released', 'revoked', 'abandoned')),
  authorizer         TEXT NOT NULL CHECK (authorizer IN ('intune', 'static-challenge', 'renewal')),
  connection         TEXT CHECK ((connection IS NOT NULL) = (authorizer = 'intune')),
  activity_id        TEXT CHECK ((activity_id IS NOT NULL) = (authorizer = 'intune')),
  replaces           TEXT CHECK ((replaces IS NOT NULL) = (authorizer = 'renewal')),
  challenge_digest   TEXT REFERENCES challenges (digest),
  subject            TEXT NOT NULL,
  not_before         INTEGER NOT NULL,
  not_after          INTEGER NOT NULL,
  tbs_certificate    BLOB CHECK ((tbs_certificate IS NOT NULL) = (state IN ('intended', 'abandoned'))),
  certificate        BLOB CHECK ((certificate IS NULL) = (state IN ('intended', 'abandoned'))),
  recorded_at        INTEGER NOT NULL,
  stored_at          INTEGER CHECK ((stored_at IS NULL) = (certificate IS NULL)),
  released_at        INTEGER,
  revoked_at         INTEGER CHECK ((revoked_at IS NOT NULL) = (state = 'revoked')),
  revocation_reason  TEXT CHECK ((revocation_reason IS NOT NULL) = (state = 'revoked')),
  CHECK (state <> 'abandoned' OR is_current = 0)
) STRICT;

CREATE UNIQUE INDEX enrollments_current ON enrollments
  (request_sha256, transaction_id, public_key_sha256, endpoint) WHERE is_current = 1;
CREATE INDEX enrollments_by_state ON enrollments (state, stored_at);
CREATE INDEX enrollments_by_challenge ON enrollments (challenge_digest) WHERE challenge_digest IS NOT NULL;
CREATE INDEX enrollments_revoked ON enrollments (not_after) WHERE state = 'revoked';

CREATE TABLE notifications (
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  kind               TEXT NOT NULL CHECK (kind IN ('success', 'failure')),
  state              TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'cancelled', 'given-up')),
  connection         TEXT NOT NULL,
  endpoint           TEXT NOT NULL,
  transaction_id     TEXT NOT NULL,
  serial_number      TEXT REFERENCES enrollments (serial_number),
  sealed_payload     BLOB CHECK (iif(sealed_payload IS NULL, state <> 'pending', state IN ('pending', 'delivered'))),
  created_at         INTEGER NOT NULL,
  next_attempt_at    INTEGER NOT NULL,
  attempts           INTEGER NOT NULL DEFAULT 0,
  last_error         TEXT CHECK (state <> 'given-up' OR last_error IS NOT NULL),
  settled_at         INTEGER CHECK ((settled_at IS NULL) = (state = 'pending')),
  activity_id        TEXT,
  CHECK (kind = 'failure' OR serial_number IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX notifications_success ON notifications (serial_number) WHERE kind = 'success';
CREATE INDEX notifications_due ON notifications (connection, next_attempt_at, id) WHERE state = 'pending';
CREATE INDEX notifications_pending_failures ON notifications (transaction_id, endpoint, connection)
  WHERE state = 'pending' AND kind = 'failure';

CREATE TABLE crls (
  crl_number         INTEGER PRIMARY KEY,
  encoded            BLOB NOT NULL,
  this_update        INTEGER NOT NULL,
  next_update        INTEGER NOT NULL,
  revision           INTEGER NOT NULL
) STRICT;

CREATE TABLE whole_store (
  row                    INTEGER PRIMARY KEY CHECK (row = 1),
  revocation_revision    INTEGER NOT NULL,
  authority_fingerprint  TEXT
) STRICT;
INSERT INTO whole_store (row, revocation_revision) VALUES (1, 0);
`;
