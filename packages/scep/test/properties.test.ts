/** What holds for every message, tried on many: what one side writes the other reads, and no change goes unseen. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { equalBytes, parseName } from '@scepter/x509';
import * as fc from 'fast-check';
import {
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
  readCertRep,
  readNextCaCertificates,
  ScepError,
  verifyPkiMessage,
} from '@scepter/scep';
import type { CertRepOutcome, PkiMessage } from '@scepter/scep';
import { rewriteBer } from '../../../fuzz/mutation/ber-rewrite.ts';
import { ecKeys, issuedBy, selfSigned, systemRandom } from './fixtures.ts';
import { nonce } from './message-builder.ts';

// Small keys, for there is a signature and a decryption in every run.
const rsaKeys = () => generateKeyPairSync('rsa', { modulusLength: 1024 });
const ra = selfSigned('registration authority', { keys: rsaKeys() });
const device = selfSigned('device', { keys: rsaKeys() });
const ecDevice = selfSigned('ec device', { keys: ecKeys() });
const issued = issuedBy(ra, 'device', { keys: device });

const runs = (numRuns: number) => ({ numRuns });
const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength }).map((array) => new Uint8Array(array));
const keyTransport = fc.constantFrom(
  { kind: 'pkcs1' } as const,
  { kind: 'oaep', digest: 'sha1' } as const,
  { kind: 'oaep', digest: 'sha256' } as const,
);
const transactionId = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const contentCipher = fc.constantFrom(
  'des-cbc' as const,
  'des-ede3-cbc' as const,
  'aes-128-cbc' as const,
  'aes-192-cbc' as const,
  'aes-256-cbc' as const,
);
const digest = fc.constantFrom('sha1' as const, 'sha256' as const, 'sha384' as const, 'sha512' as const);
const request = fc.record({
  messageType: fc.constantFrom(
    'PKCSReq' as const,
    'RenewalReq' as const,
    'CertPoll' as const,
    'GetCert' as const,
    'GetCRL' as const,
  ),
  content: bytes(3000, 1),
  transactionId,
  senderNonce: bytes(32, 1),
  contentCipher,
  keyTransport,
  digest,
  signer: fc.constantFrom(device, ecDevice),
  framing: fc.constantFrom('der' as const, 'ber' as const),
});
type Request = typeof request extends fc.Arbitrary<infer Value> ? Value : never;

const create = (value: Request): Uint8Array =>
  createPkiRequest({ ...value, recipients: [ra.certificate], randomBytes: systemRandom });
const contentOf = (message: PkiMessage): Uint8Array =>
  openEnvelope(decodeEnvelope(message.content ?? new Uint8Array()), ra, systemRandom).content;

function assertSays(message: PkiMessage, value: Request): void {
  assert.ok(verifyPkiMessage(message));
  assert.deepEqual(
    [message.messageType, message.transactionId, message.senderNonce, message.digest],
    [value.messageType, value.transactionId, value.senderNonce, value.digest],
  );
  assert.deepEqual(contentOf(message), value.content);
}

describe('requests', () => {
  it('say what the device put into them', () => {
    fc.assert(
      fc.property(request, (value) => assertSays(decodePkiMessage(create(value)), value)),
      runs(60),
    );
  });

  it('say the same in any encoding that BER allows, for what is signed is signed as it was sent', () => {
    fc.assert(
      fc.property(request, fc.infiniteStream(fc.nat(5)), (value, choices) => {
        const encoded = create(value);
        const signed = decodePkiMessage(encoded).signerInfo.signedBytes ?? new Uint8Array();
        const rewritten = rewriteBer(encoded, {
          below: (limit) => Number(choices.next().value) % limit,
          inPieces: true,
          // What is signed, the attributes and the certificate; and NULL, which nobody writes in more than two bytes.
          keeps: ({ start, end, tag }) =>
            tag === 0x05 ||
            equalBytes(encoded.subarray(start + 1, end), signed.subarray(1)) ||
            equalBytes(encoded.subarray(start, end), value.signer.certificate.encoded),
        });
        assertSays(decodePkiMessage(rewritten), value);
      }),
      runs(40),
    );
  });
});

describe('a changed bit', () => {
  const message = createPkiRequest({
    messageType: 'PKCSReq',
    content: new Uint8Array(300),
    transactionId: 'transaction-1',
    senderNonce: nonce,
    recipients: [ra.certificate],
    contentCipher: 'aes-128-cbc',
    keyTransport: { kind: 'pkcs1' },
    digest: 'sha256',
    signer: device,
    randomBytes: systemRandom,
  });
  const original = decodePkiMessage(message);
  const envelope = original.content ?? new Uint8Array();
  const offsetOf = (part: Uint8Array): number =>
    part.byteOffset -
    original.signerInfo.signature.byteOffset +
    Buffer.from(message).indexOf(original.signerInfo.signature);
  const flipped = (from: Uint8Array, at: number, bit: number): Uint8Array => {
    const changed = Uint8Array.from(from);
    changed[at] = (changed[at] ?? 0) ^ (1 << bit);
    return changed;
  };

  it('in anything that is signed, or in the signature, is seen', () => {
    const attributesAt = Buffer.from(message).indexOf(Buffer.from(original.signerInfo.signedBytes ?? []).subarray(1));
    const parts: readonly [number, number][] = [
      [offsetOf(envelope), envelope.length],
      [attributesAt, (original.signerInfo.signedBytes?.length ?? 1) - 1],
      [offsetOf(original.signerInfo.signature), original.signerInfo.signature.length],
    ];
    for (const [start] of parts) assert.ok(start > 0);
    const place = fc
      .constantFrom(...parts)
      .chain(([start, length]) => fc.integer({ min: start, max: start + length - 1 }));
    fc.assert(
      fc.property(place, fc.nat(7), (at, bit) => {
        let verified = false;
        try {
          verified = verifyPkiMessage(decodePkiMessage(flipped(message, at, bit)));
        } catch (error) {
          assert.ok(error instanceof ScepError && error.code === 'scep.undecodable', String(error));
        }
        assert.equal(verified, false, `byte ${at}, bit ${bit}`);
      }),
      runs(500),
    );
  });

  it('in an envelope gives other content and no word of why', () => {
    fc.assert(
      fc.property(fc.nat(envelope.length - 1), fc.nat(7), (at, bit) => {
        let opened;
        try {
          opened = decodeEnvelope(flipped(envelope, at, bit));
        } catch (error) {
          // What is outside of the encryption everybody can see.
          assert.ok(error instanceof ScepError && error.code === 'scep.undecodable_envelope', String(error));
          return;
        }
        if (opened.contentCipher === undefined) return;
        assert.ok(openEnvelope(opened, ra, systemRandom).content.length > 0);
      }),
      runs(400),
    );
  });

  it('in the key or the content of an envelope never gives that content', () => {
    const { encryptedContent, recipients } = decodeEnvelope(envelope);
    const plain = contentOf(original);
    for (const part of [encryptedContent, recipients[0]?.encryptedKey ?? new Uint8Array()]) {
      const start = Buffer.from(envelope).indexOf(part);
      fc.assert(
        fc.property(fc.integer({ min: start, max: start + part.length - 1 }), fc.nat(7), (at, bit) => {
          const { content } = openEnvelope(decodeEnvelope(flipped(envelope, at, bit)), ra, systemRandom);
          assert.ok(!equalBytes(content, plain), `byte ${at}`);
        }),
        runs(100),
      );
    }
  });
});

describe('replies', () => {
  const success = fc.record({
    status: fc.constant('success' as const),
    certificates: fc.array(fc.constantFrom(issued.certificate.encoded, ra.certificate.encoded), { maxLength: 3 }),
    contentCipher,
    recipient: fc.oneof(
      keyTransport.map((transport) => ({
        kind: 'certificate' as const,
        certificate: device.certificate,
        keyTransport: transport,
      })),
      fc.record({
        kind: fc.constant('password' as const),
        password: fc.string({ unit: 'grapheme', minLength: 16, maxLength: 40 }),
        iterations: fc.integer({ min: 1, max: 50 }),
      }),
    ),
  });
  const outcome: fc.Arbitrary<CertRepOutcome> = fc.oneof(
    success,
    fc.record({
      status: fc.constant('failure' as const),
      failInfo: fc.constantFrom(
        'badAlg' as const,
        'badMessageCheck' as const,
        'badRequest' as const,
        'badTime' as const,
        'badCertId' as const,
      ),
      failInfoText: fc.string({ unit: 'grapheme', maxLength: 40 }),
    }),
    fc.constant({ status: 'pending' as const }),
  );

  it('say what the server put into them', () => {
    fc.assert(
      fc.property(outcome, transactionId, bytes(32, 1), digest, (value, id, senderNonce, digestName) => {
        const reply = createCertRep({
          outcome: value,
          transactionId: id,
          recipientNonce: senderNonce,
          digest: digestName,
          signer: ra,
          randomBytes: systemRandom,
        });
        const recipient =
          value.status === 'success' && value.recipient.kind === 'password'
            ? { password: value.recipient.password }
            : device;
        const read = readCertRep(reply, { recipient, signers: [ra.certificate], transactionId: id, senderNonce });
        assert.equal(read.status, value.status);
        if (read.status === 'success' && value.status === 'success')
          assert.deepEqual(
            read.certificates.map(({ encoded }) => encoded),
            value.certificates,
          );
        if (read.status === 'failure') assert.deepEqual({ ...read }, { ...value });
      }),
      runs(60),
    );
  });

  it('with any byte changed are refused, or say the same', () => {
    const reply = createCertRep({
      outcome: { status: 'failure', failInfo: 'badTime' },
      transactionId: 'transaction-1',
      recipientNonce: nonce,
      digest: 'sha256',
      signer: ra,
      randomBytes: systemRandom,
    });
    fc.assert(
      fc.property(fc.nat(reply.length - 1), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const changed = Uint8Array.from(reply);
        changed[at] = (changed[at] ?? 0) ^ difference;
        try {
          const read = readCertRep(changed, {
            recipient: device,
            signers: [ra.certificate],
            transactionId: 'transaction-1',
            senderNonce: nonce,
          });
          assert.deepEqual(read, { status: 'failure', failInfo: 'badTime' });
        } catch (error) {
          assert.ok(error instanceof ScepError, String(error));
        }
      }),
      runs(600),
    );
  });
});

describe('the other structures', () => {
  it('give back lists of certificates', () => {
    const certificates = fc.array(fc.constantFrom(ra.certificate.encoded, issued.certificate.encoded), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(certificates, (value) =>
        assert.deepEqual(decodeCertsOnly(encodeCertsOnly(value)).certificates, value),
      ),
    );
  });

  it('give back what is asked for', () => {
    const name = fc.constantFrom(parseName(''), parseName('CN=a,O=b'), ra.certificate.subject);
    fc.assert(
      fc.property(name, name, (issuer, subject) =>
        assert.deepEqual(decodeIssuerAndSubject(encodeIssuerAndSubject({ issuer, subject })), { issuer, subject }),
      ),
    );
    fc.assert(
      fc.property(name, fc.bigInt({ min: 1n, max: 2n ** 300n }), (issuer, number) => {
        const hex = number.toString(16).toUpperCase();
        const serialHex = hex.length % 2 === 0 ? hex : `0${hex}`;
        const magnitude = Uint8Array.from(Buffer.from(serialHex, 'hex'));
        const serialNumber = (magnitude[0] ?? 0) >= 0x80 ? Uint8Array.from([0, ...magnitude]) : magnitude;
        assert.deepEqual(decodeIssuerAndSerialNumber(encodeIssuerAndSerialNumber({ issuer, serialNumber })), {
          issuer,
          serialNumber,
          serialHex,
        });
      }),
    );
  });

  it('do not name a next CA with any byte changed that the CA has signed', () => {
    const body = createNextCaCertificates({ certificates: [ra.certificate.encoded], digest: 'sha256', signer: ra });
    const { ca } = readNextCaCertificates(body, ra.certificate);
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const changed = Uint8Array.from(body);
        changed[at] = (changed[at] ?? 0) ^ difference;
        try {
          assert.deepEqual(readNextCaCertificates(changed, ra.certificate).ca.encoded, ca.encoded);
        } catch (error) {
          assert.ok(error instanceof ScepError, String(error));
        }
      }),
      runs(400),
    );
  });
});
