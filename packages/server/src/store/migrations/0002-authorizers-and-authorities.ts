/**
 * More authorizers, and the authority (SHA-256 of its certificate, upper-case hex) that signs: there may be several, one
 * after the other. SQLite changes no CHECK of a table, so `enrollments` is written anew; the rows of `notifications` that
 * name its rows must find them again when the transaction ends.
 */
export const authorizersAndAuthorities = `
PRAGMA defer_foreign_keys = ON;
CREATE TABLE former_enrollments AS SELECT * FROM enrollments;
DROP TABLE enrollments;

CREATE TABLE enrollments (
  sequence           INTEGER PRIMARY KEY,
  authority          TEXT,
  serial_number      TEXT NOT NULL UNIQUE,
  endpoint           TEXT NOT NULL,
  transaction_id     TEXT NOT NULL,
  public_key_sha256  TEXT NOT NULL,
  request_sha256     TEXT NOT NULL,
  is_current         INTEGER NOT NULL CHECK (is_current IN (0, 1)),
  state              TEXT NOT NULL CHECK (state IN ('intended', 'withheld', 'released', 'revoked', 'abandoned')),
  authorizer         TEXT NOT NULL CHECK (authorizer IN ('intune', 'static-challenge', 'one-time-challenge', 'manual',
                       'renewal')),
  connection         TEXT CHECK ((connection IS NOT NULL) = (authorizer = 'intune')),
  activity_id        TEXT CHECK ((activity_id IS NOT NULL) = (authorizer = 'intune')),
  replaces           TEXT CHECK ((replaces IS NOT NULL) = (authorizer = 'renewal')),
  pending_request    INTEGER CHECK ((pending_request IS NOT NULL) = (authorizer = 'manual')),
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

INSERT INTO enrollments (authority, sequence, serial_number, endpoint, transaction_id, public_key_sha256, request_sha256, is_current, state, authorizer,
  connection, activity_id, replaces, challenge_digest, subject, not_before, not_after, tbs_certificate, certificate,
  recorded_at, stored_at, released_at, revoked_at, revocation_reason)
  SELECT (SELECT authority_fingerprint FROM whole_store), sequence, serial_number, endpoint, transaction_id, public_key_sha256, request_sha256, is_current, state, authorizer,
  connection, activity_id, replaces, challenge_digest, subject, not_before, not_after, tbs_certificate, certificate,
  recorded_at, stored_at, released_at, revoked_at, revocation_reason
  FROM former_enrollments;
DROP TABLE former_enrollments;
`;
