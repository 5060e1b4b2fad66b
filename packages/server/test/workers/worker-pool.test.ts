import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createHierarchy } from '@scepter/ca';
import { decodeCertificateList } from '@scepter/x509';
import { WorkerError } from '../../src/workers/worker-error.ts';
import { WorkerPool } from '../../src/workers/worker-pool.ts';
import type { WorkerKeys } from '../../src/workers/jobs.ts';

let keys: WorkerKeys;
const lost: WorkerError[] = [];
const pools: WorkerPool[] = [];

function open(timeoutMs = 10_000, workers = 2): WorkerPool {
  const pool = new WorkerPool({ keys, workers, timeoutMs, onWorkerLost: (error) => lost.push(error) });
  pools.push(pool);
  return pool;
}

before(async () => {
  const { issuing, registration } = await createHierarchy({ organization: 'Workers', now: new Date(), randomBytes });
  keys = { authorities: [{ id: 'A', issuing, registrations: [registration] }] };
});
after(() => Promise.all(pools.map((pool) => pool.close())));

const garbage = { message: new Uint8Array([1, 2, 3]), floor: 'modern' } as const;

describe('crypto workers', () => {
  it('do more jobs than there are workers, each with its own answer', async () => {
    const pool = open();
    const crls = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        pool.run('crl', {
          authority: 'A',
          crlNumber: BigInt(index + 1),
          thisUpdate: new Date('2026-01-01T00:00:00Z'),
          nextUpdate: new Date('2026-01-08T00:00:00Z'),
          revoked: [],
        }),
      ),
    );
    assert.deepEqual(
      crls.map((crl) => decodeCertificateList(crl).crlNumber),
      Array.from({ length: 20 }, (_, index) => BigInt(index + 1)),
    );
  });

  it('answer what cannot be decoded as a result, not as an error', async () => {
    assert.equal((await open().run('read', garbage)).kind, 'undecodable');
  });

  it('hand back the code of what they refuse', async () => {
    await assert.rejects(
      open().run('issue', { authority: 'A', tbsCertificate: new Uint8Array([0x30, 0x00]), profile: {} as never }),
      (error) => error instanceof WorkerError && error.code !== 'unknown',
    );
  });

  it('are replaced when a job exceeds its time, and the job that waited behind it is done by the next one', async () => {
    lost.length = 0;
    // Loading its modules takes a new worker longer than this; a job in one that runs takes less.
    const pool = open(40, 1);
    const first = pool.run('read', garbage);
    const second = pool.run('read', garbage).then(
      ({ kind }) => kind,
      (error: unknown) => error,
    );
    await assert.rejects(first, { code: 'worker.timed_out' });
    assert.ok(lost.length >= 1);
    await second;
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    assert.equal((await pool.run('read', garbage)).kind, 'undecodable', 'the same pool goes on');
  });

  it('survive a thread that is blocked longer than a job may take', async () => {
    lost.length = 0;
    const pool = open(200, 1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const job = pool.run('read', garbage);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    assert.equal((await job).kind, 'undecodable');
    assert.deepEqual(lost, []);
  });

  it('fail their jobs when they are closed, and take no further ones', async () => {
    const pool = open();
    const running = pool.run('read', garbage);
    const failed = assert.rejects(running, { code: 'worker.closed' });
    await pool.close();
    await failed;
    await assert.rejects(pool.run('read', garbage), { code: 'worker.closed' });
  });
});
