/**
 * The generations of the issuing CA, in place of the one CA that the store was bound to: which of them issues changes in
 * one transaction. Each has CRLs of its own; of the CRLs before, all were the one CA's.
 *
 * `id` is the SHA-256 of the certificate, upper-case hex. At most one CA is current, and at most one next.
 */
export const authorities = `
CREATE TABLE authorities (
  id                 TEXT PRIMARY KEY,
  generation         INTEGER NOT NULL UNIQUE CHECK (generation > 0),
  state              TEXT NOT NULL CHECK (state IN ('next', 'current', 'former')),
  added_at           INTEGER NOT NULL,
  activated_at       INTEGER CHECK ((activated_at IS NULL) = (state = 'next')),
  retired_at         INTEGER CHECK ((retired_at IS NULL) = (state <> 'former'))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX authorities_in_use ON authorities (state) WHERE state <> 'former';

INSERT INTO authorities (id, generation, state, added_at, activated_at)
  SELECT authority_fingerprint, 1, 'current', first.at, first.at
  FROM whole_store, (SELECT coalesce(min(recorded_at), 0) AS at FROM enrollments) AS first
  WHERE authority_fingerprint IS NOT NULL;
ALTER TABLE whole_store DROP COLUMN authority_fingerprint;

ALTER TABLE crls RENAME TO former_crls;
CREATE TABLE crls (
  authority          TEXT PRIMARY KEY,
  crl_number         INTEGER NOT NULL,
  encoded            BLOB NOT NULL,
  this_update        INTEGER NOT NULL,
  next_update        INTEGER NOT NULL,
  revision           INTEGER NOT NULL
) STRICT;
INSERT INTO crls (authority, crl_number, encoded, this_update, next_update, revision)
  SELECT authorities.id, crl_number, encoded, this_update, next_update, revision
  FROM former_crls, authorities ORDER BY crl_number DESC LIMIT 1;
DROP TABLE former_crls;

DROP INDEX enrollments_revoked;
CREATE INDEX enrollments_revoked ON enrollments (authority, not_after) WHERE state = 'revoked';
CREATE INDEX enrollments_by_authority ON enrollments (authority, not_after);
`;
