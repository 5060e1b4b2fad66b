import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Asn1ErrorCode, EcCurve } from '@scepter/x509';
import {
  Asn1Error,
  decodePublicKeyInfo,
  der,
  fromHex,
  keyIdentifier,
  oid,
  publicKeyInfoOf,
  toHex,
} from '@scepter/x509';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsaAlgorithm = der.sequence(der.oid(oid.rsaEncryption), der.null());
const spki = (algorithm: Uint8Array, key: Uint8Array): Uint8Array => der.sequence(algorithm, der.bitString(key));
const rsaKey = (modulus: Uint8Array, exponent: Uint8Array): Uint8Array =>
  spki(rsaAlgorithm, der.sequence(modulus, exponent));

describe('decodePublicKeyInfo (RFC 5280, 4.1)', () => {
  it('reads an RSA key as Node does', () => {
    const encoded = new Uint8Array(rsa.publicKey.export({ format: 'der', type: 'spki' }));
    const info = decodePublicKeyInfo(encoded);
    assert.ok(info.key.kind === 'rsa');
    assert.equal(Buffer.from(info.key.modulus).toString('base64url'), rsa.publicKey.export({ format: 'jwk' }).n);
    assert.deepEqual([info.key.modulusBits, info.key.exponent, info.algorithm], [2048, 65537n, oid.rsaEncryption]);
    assert.deepEqual(info.encoded, encoded);
    assert.ok(info.keyObject().equals(rsa.publicKey));
    assert.equal(info.keyObject(), info.keyObject());
  });

  it('counts the bits of the modulus, not the bytes', () => {
    const { key } = decodePublicKeyInfo(rsaKey(der.integer(2n ** 1023n - 1n), der.integer(3)));
    assert.equal(key.kind === 'rsa' && key.modulusBits, 1023);
  });

  it('reads an RSA key without parameters', () => {
    const encoded = spki(der.sequence(der.oid(oid.rsaEncryption)), der.sequence(der.integer(35), der.integer(3)));
    assert.equal(decodePublicKeyInfo(encoded).key.kind, 'rsa');
  });

  for (const curve of ['P-256', 'P-384', 'P-521'] satisfies EcCurve[]) {
    it(`reads a key on ${curve}`, () => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
      const info = publicKeyInfoOf(publicKey);
      assert.deepEqual(info.key, { kind: 'ec', curve });
      assert.ok(info.keyObject().equals(publicKey));
    });
  }

  it('gives other kinds of keys as unknown', () => {
    assert.equal(publicKeyInfoOf(generateKeyPairSync('ed25519').publicKey).key.kind, 'unknown');
    assert.equal(publicKeyInfoOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey).key.kind, 'unknown');
    const explicitCurve = spki(der.sequence(der.oid(oid.ecPublicKey), der.sequence(der.integer(1))), fromHex('04'));
    assert.equal(decodePublicKeyInfo(explicitCurve).key.kind, 'unknown');
  });

  const p256 = der.sequence(der.oid(oid.ecPublicKey), der.oid(oid.prime256v1));
  const refused: [string, Asn1ErrorCode, Uint8Array][] = [
    ['a modulus of zero', 'bad_value', rsaKey(der.integer(0), der.integer(3))],
    ['a negative modulus', 'bad_value', rsaKey(der.integer(-5), der.integer(3))],
    ['a negative exponent', 'bad_value', rsaKey(der.integer(35), der.integer(-3))],
    ['a padded modulus', 'non_canonical', rsaKey(fromHex('02020023'), der.integer(3))],
    [
      'something behind the numbers',
      'trailing_data',
      spki(rsaAlgorithm, der.sequence(der.integer(35), der.integer(3), der.null())),
    ],
    ['an RSA key that is none', 'unexpected_tag', spki(rsaAlgorithm, der.null())],
    ['a point of the wrong length', 'bad_value', spki(p256, new Uint8Array(65).fill(4, 0, 1).subarray(0, 64))],
    ['the point at infinity', 'bad_value', spki(p256, fromHex('00'))],
    ['bits left over', 'bad_value', der.sequence(rsaAlgorithm, der.bitString(fromHex('80'), 1))],
  ];
  for (const [label, code, encoded] of refused) {
    it(`refuses ${label} as ${code}`, () => {
      assert.throws(
        () => decodePublicKeyInfo(encoded),
        (error: unknown) => error instanceof Asn1Error && error.code === code,
      );
    });
  }

  it('keeps the reason when Node does not take the key', () => {
    const offCurve = Uint8Array.of(4, ...new Uint8Array(64).fill(1));
    assert.throws(
      () => decodePublicKeyInfo(spki(p256, offCurve)).keyObject(),
      (error: unknown) => error instanceof Asn1Error && error.code === 'bad_value' && error.cause instanceof Error,
    );
  });
});

describe('keyIdentifier (RFC 5280, 4.2.1.2, method 1)', () => {
  it('is the SHA-1 of the bits of the key', () => {
    const bits = rsa.publicKey.export({ format: 'der', type: 'pkcs1' });
    assert.equal(toHex(keyIdentifier(publicKeyInfoOf(rsa.privateKey))), createHash('sha1').update(bits).digest('hex'));
  });
});
