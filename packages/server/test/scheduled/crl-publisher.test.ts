import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createHierarchy } from '@scepter/ca';
import { decodeCertificateList, toHex } from '@scepter/x509';
import type { CertificateList } from '@scepter/x509';
import type { CrlAuthority } from '../../src/scheduled/crl-publisher.ts';
import { CrlPublisher } from '../../src/scheduled/crl-publisher.ts';
import { createSecretBox } from '../../src/store/secret-box.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { WorkerPool } from '../../src/workers/worker-pool.ts';

const AUTHORITY = 'AB'.repeat(32);
const authorities: CrlAuthority[] = [
  {
    id: AUTHORITY,
    state: 'current',
    certificate: { notAfter: new Date('2030-01-01T00:00:00Z') },
    registrationNotAfter: undefined,
  },
];
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), 'scepter-crl-'));
let clock = new Date('2026-06-01T00:00:00Z');
let pool: WorkerPool;
let store: Store;
let publisher: CrlPublisher;
let count = 0;

before(async () => {
  const { issuing, registration } = await createHierarchy({ organization: 'CRL', now: clock, randomBytes });
  pool = new WorkerPool({
    keys: {
      authorities: [
        { id: AUTHORITY, issuing, registrations: [registration] },
        { id: 'CD'.repeat(32), issuing, registrations: [registration] },
      ],
    },
    workers: 1,
    timeoutMs: 10_000,
    onWorkerLost: assert.fail,
  });
});
beforeEach(() => {
  clock = new Date('2026-06-01T00:00:00Z');
  const path = join(folder, `${(count += 1)}.db`);
  store = openSqliteStore({
    path,
    secretBox: createSecretBox('a master secret for the tests of CRLs', randomBytes),
    now: () => clock,
  });
  publisher = new CrlPublisher({
    store,
    workers: pool,
    authorities: () => authorities,
    now: () => clock,
    crlValidityMs: 7 * DAY_MS,
  });
});
after(async () => {
  await pool.close();
  rmSync(folder, { recursive: true, force: true });
});

async function latest(authority = AUTHORITY): Promise<CertificateList> {
  const crl = await store.latestCrl(authority);
  assert.ok(crl !== undefined);
  return decodeCertificateList(crl.encoded);
}

/** A released certificate that ends after so many days, revoked now. */
async function revoke(serialNumber: string, endsAfterDays = 365, authority = AUTHORITY): Promise<void> {
  const sha256 = createHash('sha256').update(serialNumber).digest('hex');
  await store.recordIntent({
    identity: { endpoint: 'static', transactionId: serialNumber, publicKeySha256: sha256, requestSha256: sha256 },
    authority,
    authorization: { kind: 'static-challenge', challengeUse: undefined },
    serialNumber,
    tbsCertificate: new Uint8Array([1]),
    subject: 'CN=device',
    notBefore: clock,
    notAfter: new Date(clock.getTime() + endsAfterDays * DAY_MS),
    recordedAt: clock,
    notification: undefined,
  });
  await store.storeCertificate({
    serialNumber,
    certificate: new Uint8Array([1]),
    storedAt: clock,
    notification: undefined,
  });
  assert.equal(await store.revoke({ serialNumber, revokedAt: clock, reason: 'keyCompromise' }), true);
}

describe('the CRL', () => {
  it('is there from the first start, empty, with number 1 and a week to live', async () => {
    assert.equal(await publisher.publishIfDue(), true);
    const crl = await latest();
    assert.equal(crl.crlNumber, 1n);
    assert.deepEqual(crl.revoked, []);
    assert.equal(crl.nextUpdate?.toISOString(), '2026-06-08T00:00:00.000Z');
  });

  it('is not signed again before half of its life', async () => {
    await publisher.publishIfDue();
    clock = new Date(clock.getTime() + 3 * DAY_MS);
    assert.equal(await publisher.publishIfDue(), false);
    clock = new Date(clock.getTime() + DAY_MS);
    assert.equal(await publisher.publishIfDue(), true);
    assert.equal((await latest()).crlNumber, 2n);
  });

  it('is signed again at a revocation, even one of the same second', async () => {
    await publisher.publishIfDue();
    await revoke('0A0B');
    assert.equal(await publisher.publishIfDue(), true);
    assert.deepEqual(
      (await latest()).revoked.map(({ serialNumber }) => toHex(serialNumber).toUpperCase()),
      ['0A0B'],
    );
    clock = new Date(clock.getTime() + 5_000);
    assert.equal(await publisher.publishIfDue(), false, 'and then no more');
  });

  it('is signed once more for a revocation that came in while it was made', async () => {
    const racing: Pick<
      Store,
      'listRevocations' | 'revocationRevision' | 'latestCrl' | 'saveCrl' | 'lastCertificateEnd'
    > = {
      lastCertificateEnd: (authority) => store.lastCertificateEnd(authority),
      latestCrl: (authority) => store.latestCrl(authority),
      revocationRevision: () => store.revocationRevision(),
      listRevocations: async (authority, now) => {
        const listed = await store.listRevocations(authority, now);
        await revoke('0D');
        return listed;
      },
      saveCrl: (crl) => store.saveCrl(crl),
    };
    const parts = { workers: pool, authorities: () => authorities, now: () => clock, crlValidityMs: 7 * DAY_MS };
    await new CrlPublisher({ ...parts, store: racing }).publishIfDue();
    assert.equal((await latest()).revoked.length, 0);
    assert.equal(await publisher.publishIfDue(), true);
    assert.equal((await latest()).revoked.length, 1);
    assert.equal(await publisher.publishIfDue(), false);
  });

  it('lists a certificate once more after its end, then drops it', async () => {
    await revoke('0C', 1);
    await publisher.publishIfDue();
    clock = new Date(clock.getTime() + 4 * DAY_MS);
    await publisher.publishIfDue();
    assert.equal((await latest()).revoked.length, 1);
    clock = new Date(clock.getTime() + 8 * DAY_MS);
    await publisher.publishIfDue();
    assert.equal((await latest()).revoked.length, 0);
  });
});

describe('the CRLs of several CAs', () => {
  const FORMER = 'CD'.repeat(32);
  const notAfter = new Date('2030-01-01T00:00:00Z');
  const both: CrlAuthority[] = [
    ...authorities,
    { id: FORMER, state: 'former', certificate: { notAfter }, registrationNotAfter: undefined },
  ];
  const publish = (list: readonly CrlAuthority[]): Promise<boolean> =>
    new CrlPublisher({
      store,
      workers: pool,
      authorities: () => list,
      now: () => clock,
      crlValidityMs: 7 * DAY_MS,
    }).publishIfDue();

  it('goes on for a former CA until a CRL after the end of its last certificate', async () => {
    await revoke('0F', 30, FORMER);
    assert.equal(await publish(both), true);
    assert.equal((await latest(FORMER)).revoked.length, 1);
    assert.equal((await latest(AUTHORITY)).revoked.length, 0, 'a revocation is on the list of the CA that issued');
    for (const [days, isPublished] of [
      [29, true],
      [8, true],
      [30, false],
    ] as const) {
      const { crlNumber = 0n } = await latest(FORMER);
      clock = new Date(clock.getTime() + days * DAY_MS);
      await publish(both);
      assert.equal((await latest(FORMER)).crlNumber, crlNumber + (isPublished ? 1n : 0n), clock.toISOString());
    }
    assert.equal((await latest(AUTHORITY)).crlNumber, 4n, 'and for the current one without end');
  });

  it('is not made for a former CA that issued nothing', async () => {
    await publish(both);
    assert.equal(await store.latestCrl(FORMER), undefined);
  });

  it('is made for a former CA as long as its RA certificate is valid', async () => {
    const registrationNotAfter = new Date(clock.getTime() + 20 * DAY_MS);
    const former: CrlAuthority[] = [{ id: FORMER, state: 'former', certificate: { notAfter }, registrationNotAfter }];
    assert.equal(await publish(former), true);
    clock = new Date(clock.getTime() + 28 * DAY_MS);
    assert.equal(await publish(former), false);
  });

  it('is made for a staged CA, before it has issued anything', async () => {
    await publish([
      ...authorities,
      { id: FORMER, state: 'next', certificate: { notAfter }, registrationNotAfter: undefined },
    ]);
    assert.equal((await latest(FORMER)).crlNumber, 1n);
  });

  it('is made for the others when the key of one is missing', async () => {
    const lost: CrlAuthority = {
      id: 'EF'.repeat(32),
      state: 'next',
      certificate: { notAfter },
      registrationNotAfter: undefined,
    };
    await assert.rejects(publish([lost, ...authorities]), { code: 'worker.unknown_authority' });
    assert.equal((await latest(AUTHORITY)).crlNumber, 1n);
  });
});
