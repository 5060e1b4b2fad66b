/** Databases of earlier releases, brought to this one's schema. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, it } from 'node:test';
import { enrollments } from '../../src/store/migrations/0001-enrollments.ts';
import { createSecretBox } from '../../src/store/secret-box.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { authority, later, recordedAt } from './samples.ts';

const folder = mkdtempSync(join(tmpdir(), 'scepter-migrations-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** As the first release left it, with these rows. */
function openFirstRelease(name: string, rows: string): Store {
  const path = join(folder, name);
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT;
    ${enrollments}
    INSERT INTO migrations VALUES (1, 0);
    ${rows};
    PRAGMA application_id = 1399022960;
    PRAGMA user_version = 1`);
  database.close();
  const secretBox = createSecretBox('a master secret for the tests of migrations', randomBytes);
  return openSqliteStore({ path, secretBox, now: () => recordedAt });
}

describe('a database of the first release', () => {
  it('keeps its CA as the first generation, with its CRL, its revocations and its certificates', async () => {
    const store = openFirstRelease(
      'with-a-ca.db',
      `UPDATE whole_store SET authority_fingerprint = '${authority(1)}', revocation_revision = 1;
       INSERT INTO crls VALUES (41, x'3001', 0, 0, 0), (42, x'3002', ${recordedAt.getTime()}, ${later(5).getTime()}, 1);
       INSERT INTO enrollments (serial_number, endpoint, transaction_id, public_key_sha256, request_sha256, is_current,
         state, authorizer, subject, not_before, not_after, certificate, recorded_at, stored_at, revoked_at,
         revocation_reason)
       VALUES ('0A', 'static', 't', 'a', 'b', 1, 'revoked', 'static-challenge', 'CN=device', 0, ${later(9).getTime()},
         x'30', ${recordedAt.getTime()}, 0, ${later(1).getTime()}, 'superseded')`,
    );
    assert.deepEqual(await store.listAuthorities(), [
      {
        id: authority(1),
        generation: 1,
        state: 'current',
        addedAt: recordedAt,
        activatedAt: recordedAt,
        retiredAt: undefined,
      },
    ]);
    assert.deepEqual(await store.latestCrl(authority(1)), {
      authority: authority(1),
      crlNumber: 42n,
      encoded: Uint8Array.of(0x30, 0x02),
      thisUpdate: recordedAt,
      nextUpdate: later(5),
      revision: 1,
    });
    assert.equal(await store.revocationRevision(), 1);
    assert.deepEqual(await store.listRevocations(authority(1), recordedAt), [
      { serialNumber: '0A', revokedAt: later(1), reason: 'superseded' },
    ]);
    assert.equal((await store.findBySerialNumber('0A'))?.authority, authority(1));
    assert.deepEqual(await store.lastCertificateEnd(authority(1)), later(9));
    await store.close();
  });

  it('takes no enrollment on a one-time challenge that does not say which, and no challenge of other authorizers', async () => {
    await openFirstRelease('checks.db', '').close();
    const database = new DatabaseSync(join(folder, 'checks.db'));
    const insert = (authorizer: string, issuedChallenge: string) => () =>
      database.exec(`INSERT INTO enrollments (serial_number, endpoint, transaction_id, public_key_sha256, request_sha256,
          is_current, state, authorizer, replaces, issued_challenge, subject, not_before, not_after, tbs_certificate,
          recorded_at)
        VALUES (hex(randomblob(8)), 'e', 't', 'a', hex(randomblob(8)), 1, 'intended', '${authorizer}',
          iif('${authorizer}' = 'renewal', '0A', NULL), ${issuedChallenge}, 'CN=device', 0, 1, x'30', 0)`);
    const refused = /CHECK constraint failed/;
    assert.throws(insert('one-time-challenge', 'NULL'), refused);
    assert.throws(insert('renewal', `'id'`), refused);
    for (const row of [
      insert('one-time-challenge', `'id'`),
      insert('static-challenge', `'id'`),
      insert('static-challenge', 'NULL'),
      insert('renewal', 'NULL'),
    ]) {
      assert.doesNotThrow(row);
    }
    database.close();
  });

  it('that had no CA yet has none', async () => {
    const store = openFirstRelease('without-a-ca.db', '');
    assert.deepEqual(await store.listAuthorities(), []);
    assert.equal(await store.latestCrl(authority(1)), undefined);
    await store.close();
  });
});
