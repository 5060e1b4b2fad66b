import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DigestName } from '@scepter/x509';
import {
  decodeEnvelope,
  decodePkiMessage,
  createPkiRequest,
  openEnvelope,
  transactionIdOf,
  verifyPkiMessage,
} from '@scepter/scep';
import type { ContentCipher, KeyTransport, PkiRequestOptions } from '@scepter/scep';
import { certificationRequest, countingRandom, ecKeys, selfSigned, systemRandom } from './fixtures.ts';
import { nonce } from './message-builder.ts';

const ra = selfSigned('registration authority');
const device = selfSigned('device');
const csr = certificationRequest(device);
const usual: PkiRequestOptions = {
  messageType: 'PKCSReq',
  content: csr,
  transactionId: 'transaction-1',
  senderNonce: nonce,
  recipients: [ra.certificate],
  contentCipher: 'aes-128-cbc',
  keyTransport: { kind: 'pkcs1' },
  digest: 'sha256',
  signer: device,
  randomBytes: systemRandom,
};

const contentCiphers: ContentCipher[] = ['des-cbc', 'des-ede3-cbc', 'aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc'];
const keyTransports: KeyTransport[] = [
  { kind: 'pkcs1' },
  { kind: 'oaep', digest: 'sha1' },
  { kind: 'oaep', digest: 'sha256' },
  { kind: 'oaep', digest: 'sha384' },
  { kind: 'oaep', digest: 'sha512' },
];
const digests: DigestName[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'];

describe('createPkiRequest', () => {
  for (const framing of ['der', 'ber'] as const) {
    for (const contentCipher of contentCiphers) {
      for (const keyTransport of keyTransports) {
        const transportName = keyTransport.kind === 'oaep' ? `OAEP ${keyTransport.digest}` : 'PKCS#1 v1.5';
        it(`${framing}, ${contentCipher}, ${transportName}: the server reads it with every digest`, () => {
          for (const digest of digests) {
            const message = decodePkiMessage(
              createPkiRequest({ ...usual, framing, contentCipher, keyTransport, digest }),
            );
            assert.ok(verifyPkiMessage(message));
            assert.equal(message.digest, digest);
            const envelope = decodeEnvelope(message.content!);
            assert.equal(envelope.contentCipher, contentCipher);
            assert.deepEqual(openEnvelope(envelope, ra, systemRandom), { content: csr, keyTransport });
          }
        });
      }
    }
  }

  for (const messageType of ['PKCSReq', 'RenewalReq', 'CertPoll', 'GetCert', 'GetCRL'] as const) {
    it(`${messageType} is read as ${messageType}`, () => {
      const message = decodePkiMessage(createPkiRequest({ ...usual, messageType }));
      assert.equal(message.messageType, messageType);
      assert.equal(message.transactionId, 'transaction-1');
      assert.deepEqual(message.senderNonce, nonce);
    });
  }

  it('ber: indefinite lengths and octet strings in pieces, outside and inside the envelope', () => {
    const content = new Uint8Array(5000);
    const bytes = createPkiRequest({ ...usual, content, framing: 'ber' });
    assert.equal(Buffer.from(bytes.subarray(0, 2)).toString('hex'), '3080');
    assert.equal(Buffer.from(bytes.subarray(-2)).toString('hex'), '0000');
    // The eContent: [0] EXPLICIT, a constructed OCTET STRING, and its first piece of 1000 bytes.
    assert.ok(Buffer.from(bytes).includes(Buffer.from('a0802480048203e8', 'hex')));
    const message = decodePkiMessage(bytes);
    assert.equal(Buffer.from(message.content!.subarray(0, 2)).toString('hex'), '3080');
    assert.ok(Buffer.from(message.content!).includes(Buffer.from('a080048203e8', 'hex')));
    assert.deepEqual(openEnvelope(decodeEnvelope(message.content!), ra, systemRandom).content, content);
  });

  it('der: the same randomness gives messages of the same shape, without indefinite lengths', () => {
    const bytes = createPkiRequest({ ...usual, randomBytes: countingRandom() });
    assert.equal(bytes[1], 0x82);
    assert.equal(bytes.length, createPkiRequest({ ...usual, randomBytes: countingRandom() }).length);
  });

  it('writes a transactionID that is no PrintableString as UTF8String', () => {
    for (const transactionId of ['a_b@c', 'Gerät', '={}']) {
      const message = decodePkiMessage(createPkiRequest({ ...usual, transactionId }));
      assert.equal(message.transactionId, transactionId);
      assert.ok(verifyPkiMessage(message));
    }
  });

  it('is signed by an EC key as well', () => {
    const signer = selfSigned('ec device', { keys: ecKeys() });
    const message = decodePkiMessage(createPkiRequest({ ...usual, signer }));
    assert.ok(verifyPkiMessage(message));
  });

  it('cannot be signed by an EC key with MD5', () => {
    const signer = selfSigned('ec device', { keys: ecKeys() });
    assert.throws(() => createPkiRequest({ ...usual, signer, digest: 'md5' }), {
      name: 'ScepError',
      code: 'scep.bad_argument',
    });
  });
});

describe('transactionIdOf', () => {
  it('is the upper-case hex SHA-256 of the key', () => {
    assert.equal(
      transactionIdOf(Uint8Array.from(Buffer.from('abc'))),
      'BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD',
    );
  });
});
