import assert from 'node:assert/strict';
import type { KeyObject } from 'node:crypto';
import { constants, createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import type { AlgorithmIdentifier, DigestName, PublicKeyInfo } from '@scepter/x509';
import * as x509 from '@scepter/x509';

const { der, oid, publicKeyInfoOf, signatureAlgorithmFor, signData, verifySignature } = x509;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
const data = new TextEncoder().encode('what is signed');
const rsaKey = publicKeyInfoOf(rsa.publicKey);

function algorithm(type: string, parameters?: Uint8Array): AlgorithmIdentifier {
  return x509.encodeAlgorithmIdentifier(type, parameters);
}

/** An RSA key of these numbers, whether or not anything could be verified with it. */
function rsaKeyOf(modulus: Uint8Array, exponent: bigint): PublicKeyInfo {
  const numbers = der.sequence(der.unsignedInteger(modulus), der.integer(exponent));
  return x509.decodePublicKeyInfo(
    der.sequence(der.sequence(der.oid(oid.rsaEncryption), der.null()), der.bitString(numbers)),
  );
}

describe('signData and verifySignature', () => {
  const signing: [string, KeyObject, KeyObject, DigestName[]][] = [
    ['RSA', rsa.privateKey, rsa.publicKey, ['md5', 'sha1', 'sha256', 'sha384', 'sha512']],
    ['ECDSA on P-256', p256.privateKey, p256.publicKey, ['sha1', 'sha256', 'sha384', 'sha512']],
    ['ECDSA on P-521', p521.privateKey, p521.publicKey, ['sha512']],
  ];
  for (const [label, privateKey, publicKey, digests] of signing) {
    for (const digest of digests) {
      it(`${label} with ${digest}`, () => {
        const signature = signData(privateKey, digest, data);
        const identifier = signatureAlgorithmFor(privateKey, digest);
        const info = publicKeyInfoOf(publicKey);
        assert.ok(verify(digest, data, publicKey, signature), 'Node agrees');
        assert.ok(verifySignature(identifier, info, data, signature));
        assert.deepEqual(signatureAlgorithmFor(info, digest), identifier);
        assert.equal(verifySignature(identifier, info, data.subarray(1), signature), false);
        assert.equal(Object.getPrototypeOf(signature), Uint8Array.prototype);
        const changed = Uint8Array.from(signature);
        changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
        assert.equal(verifySignature(identifier, info, data, changed), false);
      });
    }
  }

  it('accepts RSA without parameters, and the older identifier of SHA-1 with RSA', () => {
    assert.ok(verifySignature(algorithm(oid.sha256WithRSA), rsaKey, data, signData(rsa.privateKey, 'sha256', data)));
    const sha1 = signData(rsa.privateKey, 'sha1', data);
    assert.ok(verifySignature(algorithm(oid.oiwSha1WithRSA, der.null()), rsaKey, data, sha1));
  });

  it('says false, and does not throw, whatever is wrong', () => {
    const signature = signData(rsa.privateKey, 'sha256', data);
    const sha256WithRSA = algorithm(oid.sha256WithRSA, der.null());
    const rows: [string, AlgorithmIdentifier, PublicKeyInfo, Uint8Array][] = [
      ['another key', sha256WithRSA, publicKeyInfoOf(otherRsa.publicKey), signature],
      ['another digest', algorithm(oid.sha1WithRSA, der.null()), rsaKey, signature],
      ['another kind of key', sha256WithRSA, publicKeyInfoOf(p256.publicKey), signature],
      ['another family', algorithm(oid.ecdsaWithSHA256), rsaKey, signature],
      ['an unknown algorithm', algorithm('1.2.3'), rsaKey, signature],
      ['an unknown key', sha256WithRSA, publicKeyInfoOf(generateKeyPairSync('ed25519').publicKey), signature],
      ['parameters that do not belong', algorithm(oid.sha256WithRSA, der.integer(1)), rsaKey, signature],
      ['an empty signature', sha256WithRSA, rsaKey, new Uint8Array(0)],
      ['a signature that is too long', sha256WithRSA, rsaKey, der.concat(Uint8Array.of(0), signature)],
      [
        'no ECDSA signature',
        algorithm(oid.ecdsaWithSHA256),
        publicKeyInfoOf(p256.publicKey),
        signature.subarray(0, 70),
      ],
      ['malformed PSS parameters', algorithm(oid.rsassaPss, der.null()), rsaKey, signature],
    ];
    for (const [label, identifier, key, value] of rows) {
      assert.equal(verifySignature(identifier, key, data, value), false, label);
    }
  });

  it('refuses NULL parameters for ECDSA (RFC 5758, 3.2)', () => {
    const signature = signData(p256.privateKey, 'sha256', data);
    const key = publicKeyInfoOf(p256.publicKey);
    assert.equal(verifySignature(algorithm(oid.ecdsaWithSHA256, der.null()), key, data, signature), false);
  });

  it('refuses keys that are too small, too large or too slow, before any arithmetic', () => {
    const sha256WithRSA = algorithm(oid.sha256WithRSA, der.null());
    const modulus = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xff);
    const untouchable = (key: PublicKeyInfo): PublicKeyInfo => ({
      ...key,
      keyObject: () => assert.fail('the key was used'),
    });
    const rows: [string, Uint8Array, bigint][] = [
      ['below 512 bits', modulus(63), 65537n],
      ['above 8192 bits', modulus(1025), 65537n],
      ['an exponent above 2^32', modulus(256), 2n ** 32n + 1n],
      ['an exponent of the size of the modulus', modulus(256), 2n ** 2047n + 1n],
      ['an even exponent', modulus(256), 65536n],
      ['the exponent 1', modulus(256), 1n],
    ];
    for (const [label, number, exponent] of rows) {
      const key = untouchable(rsaKeyOf(number, exponent));
      assert.equal(verifySignature(sha256WithRSA, key, data, new Uint8Array(number.length)), false, label);
    }
  });

  it('refuses to sign or name what it cannot', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    assert.throws(() => signData(privateKey, 'sha256', data), RangeError);
    assert.throws(() => signatureAlgorithmFor(privateKey, 'sha256'), RangeError);
    assert.throws(() => signatureAlgorithmFor(p256.publicKey, 'md5'), RangeError);
  });
});

describe('RSASSA-PSS (RFC 4055, 3.1)', () => {
  const sha256 = der.sequence(der.oid(oid.sha256), der.null());
  const mask = (hash: Uint8Array): Uint8Array => der.sequence(der.oid(oid.mgf1), hash);
  const parameters = (hash: Uint8Array, maskHash: Uint8Array, salt: number, ...more: Uint8Array[]): Uint8Array =>
    der.sequence(der.explicit(0, hash), der.explicit(1, mask(maskHash)), der.explicit(2, der.integer(salt)), ...more);

  it('verifies what Node signs', () => {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signature = sign('sha256', data, { key: rsa.privateKey, padding, saltLength: 32 });
    const identifier = algorithm(oid.rsassaPss, parameters(sha256, sha256, 32));
    assert.deepEqual(x509.resolveSignatureAlgorithm(identifier), {
      family: 'rsa-pss',
      digest: 'sha256',
      saltLength: 32,
    });
    assert.ok(verifySignature(identifier, rsaKey, data, signature));
    assert.equal(
      verifySignature(algorithm(oid.rsassaPss, parameters(sha256, sha256, 20)), rsaKey, data, signature),
      false,
    );
  });

  it('knows the defaults', () => {
    const resolved = x509.resolveSignatureAlgorithm(algorithm(oid.rsassaPss, der.sequence()));
    assert.deepEqual(resolved, { family: 'rsa-pss', digest: 'sha1', saltLength: 20 });
  });

  const sha1 = der.sequence(der.oid(oid.sha1));
  const unknown: [string, Uint8Array | undefined][] = [
    ['no parameters', undefined],
    ['two different digests', parameters(sha256, sha1, 32)],
    ['another trailer', parameters(sha256, sha256, 32, der.explicit(3, der.integer(2)))],
    ['a negative salt', parameters(sha256, sha256, -1)],
    ['a huge salt', parameters(sha256, sha256, 100_000)],
    ['an unknown digest', parameters(der.sequence(der.oid('1.2.3')), sha256, 32)],
    ['a digest with something behind it', der.sequence(der.explicit(0, sha1, der.null()))],
    ['a salt with something behind it', der.sequence(der.explicit(2, der.integer(20), der.integer(32)))],
  ];
  for (const [label, value] of unknown) {
    it(`does not know ${label}`, () => {
      assert.equal(x509.resolveSignatureAlgorithm(algorithm(oid.rsassaPss, value)), undefined);
    });
  }
});

describe('digest', () => {
  for (const name of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] satisfies DigestName[]) {
    it(name, () => assert.equal(x509.toHex(x509.digest(name, data)), createHash(name).update(data).digest('hex')));
  }
});

describe('resolveDigestAlgorithm', () => {
  it('takes NULL and absent parameters and no others', () => {
    assert.equal(x509.resolveDigestAlgorithm(algorithm(oid.sha256)), 'sha256');
    assert.equal(x509.resolveDigestAlgorithm(algorithm(oid.md5, der.null())), 'md5');
    assert.equal(x509.resolveDigestAlgorithm(algorithm(oid.sha256, der.integer(1))), undefined);
    assert.equal(x509.resolveDigestAlgorithm(algorithm('1.2.3')), undefined);
  });
});
