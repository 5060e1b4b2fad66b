import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der } from '@scepter/x509';
import * as fc from 'fast-check';
import {
  ScepError,
  createCertRep,
  createPkiRequest,
  decodeCertsOnly,
  decodeEnvelope,
  decodePkiMessage,
  encodeCertsOnly,
  openEnvelope,
  readCertRep,
  verifyPkiMessage,
} from '@scepter/scep';
import { readCaCertificates } from '../src/ca-certificates.ts';
import { certificationRequest, issuedBy, selfSigned, systemRandom } from './fixtures.ts';
import { nonce } from './message-builder.ts';

const ra = selfSigned('registration authority');
const device = selfSigned('device');
const issued = issuedBy(ra, 'device', { keys: device });

const request = (framing: 'der' | 'ber'): Uint8Array =>
  createPkiRequest({
    messageType: 'PKCSReq',
    content: certificationRequest(device),
    transactionId: 'transaction-1',
    senderNonce: nonce,
    recipients: [ra.certificate],
    contentCipher: 'aes-128-cbc',
    keyTransport: { kind: 'oaep', digest: 'sha256' },
    digest: 'sha256',
    signer: device,
    framing,
    randomBytes: systemRandom,
  });
const reply = createCertRep({
  outcome: {
    status: 'success',
    certificates: [issued.certificate.encoded],
    recipient: device.certificate,
    contentCipher: 'aes-128-cbc',
    keyTransport: { kind: 'pkcs1' },
  },
  transactionId: 'transaction-1',
  recipientNonce: nonce,
  digest: 'sha256',
  signer: ra,
  randomBytes: systemRandom,
});

/** All a server does with a message; what it answers does not matter here. */
const serve = (bytes: Uint8Array): void => {
  const message = decodePkiMessage(bytes);
  verifyPkiMessage(message);
  if (message.content === undefined) return;
  const envelope = decodeEnvelope(message.content);
  if (envelope.contentCipher !== undefined) openEnvelope(envelope, ra, systemRandom);
};
const receive = (bytes: Uint8Array): void => {
  readCertRep(bytes, {
    recipient: device,
    signers: [ra.certificate],
    transactionId: 'transaction-1',
    senderNonce: nonce,
  });
};

/** Whether it was refused; anything but a ScepError is a crash. */
const isRefused = (read: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean => {
  try {
    read(bytes);
    return false;
  } catch (error) {
    if (error instanceof ScepError) return true;
    throw error;
  }
};

const inputs: [string, (bytes: Uint8Array) => unknown, Uint8Array][] = [
  ['a request in DER', serve, request('der')],
  ['a request in BER', serve, request('ber')],
  ['a reply', receive, reply],
  ['an envelope', decodeEnvelope, decodePkiMessage(request('ber')).content!],
  ['a certificate list', decodeCertsOnly, encodeCertsOnly([ra.certificate.encoded], [der.sequence(der.integer(1))])],
  ['a GetCACert answer', readCaCertificates, encodeCertsOnly([ra.certificate.encoded])],
];

describe('hostile input ends in a ScepError or a result', () => {
  for (const [name, read, bytes] of inputs) {
    it(`${name}, untouched, is read`, () => assert.equal(isRefused(read, bytes), false));

    it(`${name}, cut off at every byte, is refused`, () => {
      for (let length = 0; length < bytes.length; length += 1) {
        assert.ok(isRefused(read, bytes.subarray(0, length)), `${length} bytes`);
      }
    });

    it(`${name} with changed bytes`, () => {
      const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
          const copy = Uint8Array.from(bytes);
          for (const [at, value] of changes) copy[at] = value;
          assert.equal(typeof isRefused(read, copy), 'boolean');
        }),
        { numRuns: 1000, seed: 8894 },
      );
    });

    it(`${name} with a piece cut out or doubled`, () => {
      fc.assert(
        fc.property(fc.nat(bytes.length), fc.nat(40), fc.boolean(), (at, length, doubled) => {
          const piece = bytes.subarray(at, at + length);
          const parts = [bytes.subarray(0, at), ...(doubled ? [piece, piece] : []), bytes.subarray(at + length)];
          assert.equal(typeof isRefused(read, Buffer.concat(parts)), 'boolean');
        }),
        { numRuns: 500, seed: 8894 },
      );
    });
  }

  it('random bytes are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const [, read] of inputs) assert.ok(isRefused(read, bytes));
      }),
      { numRuns: 500, seed: 8894 },
    );
  });
});
