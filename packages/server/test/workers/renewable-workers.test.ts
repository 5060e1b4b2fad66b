import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createHierarchy } from '@scepter/ca';
import type { Hierarchy } from '@scepter/ca';
import { decodeCertificate, decodeCertificateList } from '@scepter/x509';
import type { WorkerKeys } from '../../src/workers/jobs.ts';
import { RenewableWorkers } from '../../src/workers/renewable-workers.ts';

let one: Hierarchy;
let two: Hierarchy;
const opened: RenewableWorkers[] = [];

before(async () => {
  const options = { organization: 'Renewed', now: new Date(), randomBytes, keyTypes: { root: 'ec-p256' } } as const;
  [one, two] = [await createHierarchy(options), await createHierarchy(options)];
});
after(() => Promise.all(opened.map((workers) => workers.close())));

const keysOf = ({ issuing, registration }: Hierarchy): WorkerKeys => ({
  authorities: [{ id: 'A', issuing, registrations: [registration] }],
});

function open(): RenewableWorkers {
  const workers = new RenewableWorkers({
    keys: keysOf(one),
    workers: 1,
    timeoutMs: 20_000,
    onWorkerLost: assert.fail,
  });
  opened.push(workers);
  return workers;
}

const crlJob = {
  authority: 'A',
  crlNumber: 1n,
  thisUpdate: new Date('2026-01-01T00:00:00Z'),
  nextUpdate: new Date('2026-01-08T00:00:00Z'),
  revoked: [],
};
const authorityKeyIdentifierOf = (crl: Uint8Array): Uint8Array | undefined =>
  decodeCertificateList(crl).extensions.find(({ oid }) => oid === '2.5.29.35')?.value;

describe('workers whose keys change', () => {
  it('finish with the old keys what they were given before, and do what comes after with the new ones', async () => {
    const workers = open();
    const before = Array.from({ length: 20 }, () => workers.run('crl', crlJob));
    const checked: string[] = [];
    await workers.replaceKeys(keysOf(two), async (candidates) => {
      checked.push((await candidates.run('read', { message: new Uint8Array([1]), floor: 'modern' })).kind);
    });
    const after = await workers.run('crl', crlJob);
    assert.deepEqual(checked, ['undecodable']);
    const identifiers = (await Promise.all(before)).map(authorityKeyIdentifierOf);
    assert.equal(new Set(identifiers.map((bytes) => Buffer.from(bytes ?? []).toString('hex'))).size, 1);
    assert.notDeepEqual(authorityKeyIdentifierOf(after), identifiers[0]);
    assert.deepEqual(decodeCertificateList(after).issuer, decodeCertificate(two.issuing.certificate).subject);
  });

  it('keep the old keys when the new ones do not pass', async () => {
    const workers = open();
    const expected = authorityKeyIdentifierOf(await workers.run('crl', crlJob));
    const refusal = new Error('these keys are no good');
    await assert.rejects(
      workers.replaceKeys(keysOf(two), () => Promise.reject(refusal)),
      refusal,
    );
    assert.deepEqual(authorityKeyIdentifierOf(await workers.run('crl', crlJob)), expected);
  });

  it('end when they are closed, those that were on their way out too', async () => {
    const workers = open();
    const running = workers.run('crl', crlJob).catch((error: unknown) => error);
    await workers.replaceKeys(keysOf(two), async () => undefined);
    await workers.close();
    await running;
    await assert.rejects(workers.run('crl', crlJob), { code: 'worker.closed' });
  });
});
