import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { toHex } from '@scepter/x509';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
let laboratory: Laboratory;
let client: Client;

before(async () => {
  laboratory = await openLaboratory();
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
});
after(() => laboratory.close());

function request(transactionId: string, subject = 'CN=device'): Message {
  return { csr: certificationRequest(keys, { subject, challenge: STATIC_CHALLENGE }), transactionId, signer };
}

describe('the same request twice', () => {
  it('as the same bytes gets the same certificate', async () => {
    const message = request('same-bytes');
    const { bytes, senderNonce } = client.build(message);
    const first = await client.post(bytes, message, senderNonce);
    const second = await client.post(bytes, message, senderNonce);
    assert.equal(toHex(issued(first).encoded), toHex(issued(second).encoded));
    assert.notEqual(toHex(first.bytes), toHex(second.bytes), 'freshly signed and sealed, not replayed');
  });

  it('signed anew gets the same certificate under the new nonce, which the device verifies', async () => {
    const message = request('signed-anew');
    const first = issued(await client.send(message));
    const second = issued(await client.send(message));
    assert.equal(first.serialHex, second.serialHex);
  });

  it('signed anew with other algorithms gets the same certificate in an answer with those', async () => {
    const message = request('other-algorithms');
    const first = issued(await client.send(message));
    const second = issued(
      await client.send({
        ...message,
        digest: 'sha512',
        contentCipher: 'aes-256-cbc',
        keyTransport: { kind: 'oaep', digest: 'sha256' },
      }),
    );
    assert.equal(first.serialHex, second.serialHex);
  });

  it('sent 20 times at once makes one certificate', async () => {
    const message = request('at-once');
    const certificates = await Promise.all(
      Array.from({ length: 20 }, async () => issued(await client.send(message)).serialHex),
    );
    assert.equal(new Set(certificates).size, 1);
    const enrollments = await laboratory.server.store.listEnrollments(1000);
    assert.equal(enrollments.filter(({ identity }) => identity.transactionId === 'at-once').length, 1);
  });

  it('still gets it after a restart', async () => {
    const message = request('restarted');
    const first = issued(await client.send(message)).serialHex;
    await laboratory.restart();
    client = await Client.connect(`${laboratory.server.url}/scep/static`);
    assert.equal(issued(await client.send(message)).serialHex, first);
  });
});

describe('not the same request', () => {
  it('another certification request under a used transaction id gets a certificate of its own', async () => {
    const first = issued(await client.send(request('reused', 'CN=first')));
    const second = issued(await client.send(request('reused', 'CN=second')));
    assert.notEqual(first.serialHex, second.serialHex);
  });

  it('another certification request under a used transaction id gets nothing without a right to it', async () => {
    issued(await client.send(request('stolen', 'CN=first')));
    const csr = certificationRequest(keys, { subject: 'CN=second', challenge: 'a guess at the challenge' });
    const sent = await client.send({ csr, transactionId: 'stolen', signer });
    assert.deepEqual(sent.reply, { status: 'failure', failInfo: 'badRequest' });
  });

  it('the same request at another endpoint is another request', async () => {
    const other = await Client.connect(`${laboratory.server.url}/scep/other`);
    const message = request('two-endpoints');
    assert.notEqual(issued(await client.send(message)).serialHex, issued(await other.send(message)).serialHex);
  });

  it('a certificate that was revoked is not handed out again', async () => {
    const message = request('revoked');
    const { serialHex } = issued(await client.send(message));
    await laboratory.server.store.revoke({ serialNumber: serialHex, revokedAt: new Date(), reason: 'keyCompromise' });
    assert.deepEqual((await client.send(message)).reply, { status: 'failure', failInfo: 'badRequest' });
  });
});
