/** S11: a runtime that cannot decrypt RSAES-PKCS1-v1_5, or not safely, must be noticed at the start and not by devices. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, privateDecrypt, constants, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { selfTest } from '../../src/composition/self-test.ts';
import type { CryptoWorkers } from '../../src/workers/jobs.ts';
import { newPerson } from './attack-laboratory.ts';

const registration = newPerson('CN=RA');
const hierarchy = {
  registration: { certificate: registration.certificate.encoded, privateKey: registration.privateKey },
};

describe('S11: the self-test at start', () => {
  it('refuses to start where a worker cannot open what was sealed for the RA', async () => {
    const blind = {
      run: async () => ({ kind: 'refused', problem: 'message.sealed_content' }),
    } as unknown as CryptoWorkers;
    await assert.rejects(selfTest(blind, hierarchy, randomBytes), { code: 'server.self_test_failed' });
  });

  it('sends the worker a whole message', async () => {
    let size = 0;
    const seeing = {
      run: async (_name: string, { message }: { message: Uint8Array }) => {
        size = message.length;
        return { kind: 'opened' };
      },
    } as unknown as CryptoWorkers;
    await selfTest(seeing, hierarchy, randomBytes);
    assert.ok(size > 1_000);
  });
});

describe('S11: this runtime', () => {
  it('gives random bytes for a blob with wrong padding, the same each time, and no error (implicit rejection)', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const blob = randomBytes(256).fill(1, 0, 1);
    const decrypt = () => privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, blob);
    assert.deepEqual(decrypt(), decrypt());
  });

  it('was not told to give up its protection', () => {
    assert.ok(
      ![...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((text) => text.includes('security-revert')),
    );
  });
});
