/**
 * Requests that wait for a person's decision. Of one request (the four columns of its identity) one row is current; what
 * has ended is kept without the sealed request, for the record. `expires_at` is absent where a decision holds for ever.
 */
export const pendingRequests = `
CREATE TABLE pending_requests (
  id                 INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint           TEXT NOT NULL,
  transaction_id     TEXT NOT NULL,
  public_key_sha256  TEXT NOT NULL,
  request_sha256     TEXT NOT NULL,
  signer_key_sha256  TEXT NOT NULL,
  is_current         INTEGER NOT NULL CHECK (is_current IN (0, 1)),
  state              TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'expired')),
  subject            TEXT NOT NULL,
  subject_alt_names  TEXT NOT NULL,
  key_description    TEXT NOT NULL,
  client_network     TEXT NOT NULL,
  sealed_request     BLOB,
  requested_at       INTEGER NOT NULL,
  expires_at         INTEGER CHECK ((expires_at IS NULL) = (state = 'denied')),
  decided_at         INTEGER,
  decided_by         TEXT CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
  reason             TEXT,
  CHECK (state NOT IN ('denied', 'expired') OR sealed_request IS NULL),
  CHECK (state NOT IN ('approved', 'denied') OR decided_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX pending_requests_current ON pending_requests
  (request_sha256, transaction_id, public_key_sha256, endpoint) WHERE is_current = 1;
CREATE INDEX pending_requests_by_transaction ON pending_requests (transaction_id, endpoint, signer_key_sha256);
CREATE INDEX pending_requests_by_state ON pending_requests (state, endpoint);
CREATE INDEX pending_requests_to_expire ON pending_requests (expires_at) WHERE sealed_request IS NOT NULL;

CREATE INDEX enrollments_by_transaction ON enrollments (transaction_id, endpoint) WHERE is_current = 1;
CREATE INDEX enrollments_by_pending_request ON enrollments (pending_request) WHERE pending_request IS NOT NULL;
`;
