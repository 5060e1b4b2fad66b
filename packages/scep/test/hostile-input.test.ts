import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der } from '@scepter/x509';
import * as fc from 'fast-check';
import {
  ScepError,
  createCertRep,
  createNextCaCertificates,
  createPkiRequest,
  decodeCertsOnly,
  decodeEnvelope,
  decodeIssuerAndSerialNumber,
  decodeIssuerAndSubject,
  decodePkiMessage,
  encodeCertsOnly,
  encodeIssuerAndSerialNumber,
  encodeIssuerAndSubject,
  openEnvelope,
  openEnvelopeWithPassword,
  readCertRep,
  readNextCaCertificates,
  verifyPkiMessage,
} from '@scepter/scep';
import type { EnvelopeRecipient } from '@scepter/scep';
import { readCaCertificates } from '../src/ca-certificates.ts';
import { certificationRequest, issuedBy, selfSigned, systemRandom, to } from './fixtures.ts';
import type { Identity } from './fixtures.ts';
import { nonce } from './message-builder.ts';

const ra = selfSigned('registration authority');
const device = selfSigned('device');
const issued = issuedBy(ra, 'device', { keys: device });

const password = 'a challenge of some length';

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
const replyTo = (recipient: EnvelopeRecipient): Uint8Array =>
  createCertRep({
    outcome: {
      status: 'success',
      certificates: [issued.certificate.encoded],
      recipient,
      contentCipher: 'aes-128-cbc',
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
const receive = (bytes: Uint8Array, recipient: Identity | { password: string } = device): void => {
  readCertRep(bytes, {
    recipient,
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
  ['a reply', (bytes) => receive(bytes), replyTo(to(device))],
  [
    'a reply under a password',
    (bytes) => receive(bytes, { password }),
    replyTo({ kind: 'password', password, iterations: 1 }),
  ],
  [
    'an envelope under a password',
    (bytes) => openEnvelopeWithPassword(decodeEnvelope(bytes), password, systemRandom),
    decodePkiMessage(replyTo({ kind: 'password', password, iterations: 1 })).content!,
  ],
  ['the content of a CertPoll', decodeIssuerAndSubject, encodeIssuerAndSubject(device.certificate)],
  ['the content of a GetCert', decodeIssuerAndSerialNumber, encodeIssuerAndSerialNumber(device.certificate)],
  [
    'a GetNextCACert answer',
    (bytes) => readNextCaCertificates(bytes, ra.certificate),
    createNextCaCertificates({ certificates: [ra.certificate.encoded], digest: 'sha256', signer: ra }),
  ],
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

/** As much as a server reads of a request (64 KiB), made to keep a parser busy. */
const size = 64 * 1024;
const repeated = (piece: Uint8Array): Uint8Array =>
  der.concat(...Array.from({ length: Math.floor(size / piece.length) }, () => piece));
const definite = (tagByte: number): Uint8Array => {
  let nested: Uint8Array = new Uint8Array();
  // From the inside out, each level as short as its length allows.
  while (nested.length < size - 5) {
    const element = der.octetString(nested);
    element[0] = tagByte;
    nested = element;
    if (nested.length > 4000 && nested.length < size / 2) nested = der.concat(nested, nested);
  }
  return nested;
};
const contentInfo = (oid: string, ...parts: Uint8Array[]): Uint8Array =>
  der.sequence(der.oid(oid), der.explicit(0, der.sequence(der.integer(1), ...parts)));
const signedDataOid = '1.2.840.113549.1.7.2';
const envelopedDataOid = '1.2.840.113549.1.7.3';
const indefiniteLevel = (tagByte: number): Uint8Array => Uint8Array.of(tagByte, 0x80);
const bombs: Record<string, Uint8Array> = {
  'sequences of definite length in each other': definite(0x30),
  'sets of definite length in each other': definite(0x31),
  'sequences of indefinite length in each other, never closed': repeated(indefiniteLevel(0x30)),
  'explicit tags of indefinite length in each other': repeated(indefiniteLevel(0xa0)),
  'octet strings of indefinite length in each other': repeated(indefiniteLevel(0x24)),
  'sequences of indefinite length in each other, closed': der.concat(
    repeated(indefiniteLevel(0x30)).subarray(0, size / 2),
    new Uint8Array(size / 2),
  ),
  'empty sequences in a row': der.sequence(repeated(Uint8Array.of(0x30, 0))),
  'empty sequences of indefinite length in a row': der.concat(
    indefiniteLevel(0x30),
    repeated(Uint8Array.of(0x30, 0x80, 0, 0)),
    Uint8Array.of(0, 0),
  ),
  'signed data with empty sequences for certificates': contentInfo(
    signedDataOid,
    der.set(),
    der.sequence(der.oid('1.2.840.113549.1.7.1')),
    der.implicitConstructed(0, repeated(Uint8Array.of(0x30, 0))),
    der.set(),
  ),
  'signed data with empty signers': contentInfo(
    signedDataOid,
    der.set(),
    der.sequence(der.oid('1.2.840.113549.1.7.1')),
    der.set(repeated(Uint8Array.of(0x30, 0))),
  ),
  'signed data with content in pieces of nothing': contentInfo(
    signedDataOid,
    der.set(),
    der.sequence(
      der.oid('1.2.840.113549.1.7.1'),
      der.explicit(0, der.concat(indefiniteLevel(0x24), repeated(Uint8Array.of(4, 0)), Uint8Array.of(0, 0))),
    ),
    der.set(),
  ),
  'enveloped data with empty recipients': contentInfo(envelopedDataOid, der.set(repeated(Uint8Array.of(0xa3, 0)))),
  'enveloped data with recipients of unknown kinds': contentInfo(
    envelopedDataOid,
    der.set(repeated(Uint8Array.of(0xa4, 0))),
  ),
  'names of many empty parts': der.sequence(der.sequence(repeated(Uint8Array.of(0x31, 0))), der.integer(1)),
  'a name of one part with many attributes': der.sequence(
    der.sequence(der.set(repeated(der.sequence(der.oid('2.5.4.3'), der.utf8String('x'))))),
    der.integer(1),
  ),
  'a serial number of 60,000 bytes': der.sequence(der.sequence(), der.unsignedInteger(new Uint8Array(60_000).fill(1))),
  'an object identifier of 60,000 bytes': der.sequence(
    der.concat(Uint8Array.of(0x06, 0x82, 0xea, 0x60), new Uint8Array(60_000).fill(0x81)),
  ),
  'a length of four gigabytes': der.concat(Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), new Uint8Array(size)),
};

describe('parser bombs (depth, number of elements, sizes) are refused at once by every reader', () => {
  for (const [bombName, bomb] of Object.entries(bombs)) {
    for (const [name, read] of inputs) {
      it(`${bombName}, in place of ${name}`, () => {
        const started = performance.now();
        assert.ok(isRefused(read, bomb));
        // Milliseconds on an idle machine; a second where it is not.
        assert.ok(performance.now() - started < 1000);
      });
    }
  }
});
