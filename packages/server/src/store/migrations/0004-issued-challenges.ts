/**
 * Challenges made at run time. `challenge_uses` counts requests, for these by their `id`, for configured ones by their
 * digest: a request that is sent again is the same row. `challenge_use_counts` has their numbers.
 */
export const issuedChallenges = `
CREATE TABLE issued_challenges (
  id                 TEXT PRIMARY KEY,
  digest             TEXT NOT NULL UNIQUE,
  endpoint           TEXT NOT NULL,
  kind               TEXT NOT NULL CHECK (kind IN ('one-time', 'static')),
  label              TEXT,
  subject            TEXT,
  subject_alt_names  TEXT CHECK ((subject_alt_names IS NULL) = (subject IS NULL)),
  created_at         INTEGER NOT NULL,
  created_by         TEXT NOT NULL,
  expires_at         INTEGER NOT NULL CHECK (expires_at > created_at),
  maximum_uses       INTEGER CHECK (maximum_uses >= 1 AND (kind = 'static' OR maximum_uses = 1)),
  revoked_at         INTEGER,
  revoked_by         TEXT CHECK ((revoked_by IS NULL) = (revoked_at IS NULL)),
  CHECK (kind = 'static' OR maximum_uses IS NOT NULL)
) STRICT;

CREATE INDEX issued_challenges_newest ON issued_challenges (created_at);
CREATE INDEX issued_challenges_expiring ON issued_challenges (expires_at);

CREATE TABLE challenge_uses (
  challenge          TEXT NOT NULL,
  endpoint           TEXT NOT NULL,
  transaction_id     TEXT NOT NULL,
  public_key_sha256  TEXT NOT NULL,
  request_sha256     TEXT NOT NULL,
  used_at            INTEGER NOT NULL,
  PRIMARY KEY (challenge, request_sha256, transaction_id, public_key_sha256, endpoint)
) STRICT, WITHOUT ROWID;

CREATE TABLE challenge_use_counts (
  challenge          TEXT PRIMARY KEY,
  uses               INTEGER NOT NULL CHECK (uses >= 1)
) STRICT, WITHOUT ROWID;

ALTER TABLE enrollments ADD COLUMN issued_challenge TEXT
  CHECK (CASE authorizer WHEN 'one-time-challenge' THEN issued_challenge IS NOT NULL
    WHEN 'static-challenge' THEN TRUE ELSE issued_challenge IS NULL END);
`;
