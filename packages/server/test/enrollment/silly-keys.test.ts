/** Keys of silly sizes and forms are refused before anything is verified with them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { decodeCertificate, der, equalBytes, oid } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { checkMessage } from '../../src/workers/check-message.ts';
import { decodePkiMessage } from '@scepter/scep';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const own = selfSigned(keys);
let laboratory: Laboratory;
let client: Client;

before(async () => {
  laboratory = await openLaboratory();
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
});
after(() => laboratory.close());

/** An odd number of so many bits; nobody knows its factors, and nobody needs to. */
function modulus(bits: number): Uint8Array {
  const bytes = randomBytes(bits / 8);
  bytes[0] = (bytes[0] ?? 0) | 0x80;
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return bytes;
}

function evenModulus(): Uint8Array {
  const bytes = modulus(2048);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 0xfe;
  return bytes;
}

function rsaKey(modulusBytes: Uint8Array, exponent: Uint8Array): Uint8Array {
  const key = der.sequence(der.unsignedInteger(modulusBytes), der.unsignedInteger(exponent));
  return der.sequence(der.sequence(der.oid(oid.rsaEncryption), der.null()), der.bitString(key));
}

function ecKey(curve: string, point: Uint8Array): Uint8Array {
  return der.sequence(der.sequence(der.oid(oid.ecPublicKey), der.oid(curve)), der.bitString(point));
}

const f4 = Uint8Array.of(1, 0, 1);
const secp256k1 = '1.3.132.0.10';
const ed25519 = '1.3.101.112';

const rows: readonly [name: string, publicKey: () => Uint8Array, reason: string][] = [
  ['RSA of 512 bits', () => rsaKey(modulus(512), f4), 'rsa_modulus_size'],
  ['RSA of 16,384 bits', () => rsaKey(modulus(16_384), f4), 'rsa_modulus_size'],
  ['RSA of 100,000 bits', () => rsaKey(modulus(100_000), f4), 'rsa_modulus_size'],
  ['an even modulus', () => rsaKey(evenModulus(), f4), 'rsa_modulus_even'],
  ['the exponent 1', () => rsaKey(modulus(2048), Uint8Array.of(1)), 'rsa_exponent'],
  ['an even exponent', () => rsaKey(modulus(2048), Uint8Array.of(1, 0, 0)), 'rsa_exponent'],
  ['an exponent of 64 bits', () => rsaKey(modulus(2048), modulus(64)), 'rsa_exponent'],
  ['an exponent of 3072 bits', () => rsaKey(modulus(3072), modulus(3072)), 'rsa_exponent'],
  [
    'a point beside its curve',
    () => ecKey(oid.prime256v1, Buffer.concat([Uint8Array.of(4), modulus(512)])),
    'ec_point',
  ],
  ['another curve', () => ecKey(secp256k1, Buffer.concat([Uint8Array.of(4), modulus(512)])), 'key_type_unsupported'],
  ['Ed25519', () => der.sequence(der.sequence(der.oid(ed25519)), der.bitString(modulus(256))), 'key_type_unsupported'],
];

function replaceAll(bytes: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  const [text, pattern, replacement] = [bytes, from, to].map((each) => Buffer.from(each).toString('latin1'));
  return Buffer.from(
    (text ?? '').replaceAll(pattern ?? '', () => replacement ?? ''),
    'latin1',
  );
}

/** A certificate over this key, whose signature is nonsense. */
function certificateOver(publicKey: Uint8Array): Certificate {
  const { tbs, signatureAlgorithm } = own;
  const fields = replaceAll(tbs.subarray(4), own.publicKey.encoded, publicKey);
  return decodeCertificate(
    der.sequence(der.sequence(fields), signatureAlgorithm.encoded, der.bitString(randomBytes(256))),
  );
}

function messageBy(publicKey: Uint8Array): Message {
  // Signed by a key that has nothing to do with it: nothing may get as far as to notice.
  return {
    csr: certificationRequest(keys, { challenge: STATIC_CHALLENGE }),
    transactionId: 'silly',
    signer: { certificate: certificateOver(publicKey), privateKey: keys.privateKey },
  };
}

/** The same bytes with the silly certificate in place of one that can sign. */
function build(publicKey: Uint8Array): { bytes: Uint8Array; message: Message; senderNonce: Uint8Array } {
  const message = messageBy(publicKey);
  const { certificate } = message.signer;
  const sound = { ...certificate, publicKey: own.publicKey };
  return { message, ...client.build({ ...message, signer: { ...message.signer, certificate: sound } }) };
}

describe('a signer with a silly key', () => {
  for (const [name, publicKey, reason] of rows) {
    it(`${name}: badAlg, and no verification`, async () => {
      const { bytes, message, senderNonce } = build(publicKey());
      laboratory.steps.length = 0;
      const { reply } = await client.post(bytes, message, senderNonce);
      assert.ok(reply?.status === 'failure');
      assert.equal(reply.failInfo, 'badAlg');
      const refused = laboratory.steps.find(({ outcome }) => outcome === 'refused');
      assert.equal(refused?.refusal, 'message.signer_key');
      assert.equal(refused.reason, reason);

      const decoded = decodePkiMessage(bytes);
      const durations = Array.from({ length: 20 }, () => {
        const startedAt = performance.now();
        const checked = checkMessage(decoded, 'compatible');
        assert.equal(checked.problem, 'message.signer_key');
        return performance.now() - startedAt;
      });
      assert.ok(Math.min(...durations) < 2, `${Math.min(...durations)} ms`);
    });
  }
});

describe('a requested key that is silly and not the signer’s own', () => {
  it('is one of the failures behind the envelope, which all look the same', async () => {
    const first = await client.send({
      csr: certificationRequest(keys, { challenge: STATIC_CHALLENGE }),
      transactionId: 'silly-renewal-first',
      signer: { certificate: own, privateKey: keys.privateKey },
    });
    const certificate = issued(first);
    const silly = rsaKey(modulus(16_384), f4);
    // Without its proof of possession: the key is looked at before that is verified.
    const sound = certificationRequest(keys);
    const { publicKey } = own;
    const csr = reencode(replaceAll(sound, publicKey.encoded, silly), silly.length - publicKey.encoded.length);
    laboratory.steps.length = 0;
    const { reply } = await client.send({
      csr,
      transactionId: 'silly-renewal',
      signer: { certificate, privateKey: keys.privateKey },
      messageType: 'RenewalReq',
    });
    assert.deepEqual(reply, { status: 'failure', failInfo: 'badRequest' });
    const refused = laboratory.steps.find(({ outcome }) => outcome === 'refused');
    assert.equal(refused?.refusal, 'message.sealed_content');
    assert.equal(refused.reason, 'requested key: rsa_modulus_size');
    assert.ok(!equalBytes(csr, sound));
  });
});

/** Corrects the lengths of the two outermost sequences, both of which have two bytes of length. */
function reencode(bytes: Uint8Array, growth: number): Uint8Array {
  const corrected = Buffer.from(bytes);
  for (const offset of [2, 6]) corrected.writeUInt16BE(corrected.readUInt16BE(offset) + growth, offset);
  return corrected;
}
