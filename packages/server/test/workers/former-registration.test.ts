import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createHierarchy } from '@scepter/ca';
import type { Hierarchy } from '@scepter/ca';
import { createPkiRequest, readCertRep } from '@scepter/scep';
import { decodeCertificate } from '@scepter/x509';
import { WorkerPool } from '../../src/workers/worker-pool.ts';
import { certificationRequest, newKeys, selfSigned } from '../device.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
let current: Hierarchy;
let former: Hierarchy;
let pool: WorkerPool;

before(async () => {
  const create = (): Promise<Hierarchy> => createHierarchy({ organization: 'Rollover', now: new Date(), randomBytes });
  [current, former] = await Promise.all([create(), create()]);
  pool = new WorkerPool({
    keys: {
      authorities: [{ id: 'A', issuing: current.issuing, registrations: [current.registration, former.registration] }],
    },
    workers: 1,
    timeoutMs: 10_000,
    onWorkerLost: assert.fail,
  });
});
after(() => pool.close());

describe('a device that still has the RA certificate of before', () => {
  for (const [name, which] of [
    ['the current', 'current'],
    ['the former', 'former'],
  ] as const) {
    it(`is answered by the one that it encrypted for: ${name}`, async () => {
      const registration = decodeCertificate((which === 'current' ? current : former).registration.certificate);
      const senderNonce = randomBytes(16);
      const message = createPkiRequest({
        messageType: 'PKCSReq',
        content: certificationRequest(keys, { challenge: 'x' }),
        transactionId: 'rollover',
        senderNonce,
        recipients: [registration],
        contentCipher: 'aes-128-cbc',
        keyTransport: { kind: 'pkcs1' },
        digest: 'sha256',
        signer,
        randomBytes,
      });
      const read = await pool.run('read', { message, floor: 'modern' });
      assert.ok(read.kind === 'opened');
      const reply = await pool.run('reply', {
        address: read.request.address,
        content: { status: 'failure', failInfo: 'badRequest', failInfoText: undefined },
      });
      const verified = readCertRep(reply, {
        recipient: signer,
        signers: [registration],
        transactionId: 'rollover',
        senderNonce,
      });
      assert.equal(verified.status, 'failure');
    });
  }
});
