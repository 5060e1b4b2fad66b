import assert from 'node:assert/strict';
import { checkPrimeSync, generatePrimeSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { decodePublicKeyInfo, der, encodeAlgorithmIdentifier, oid } from '@scepter/x509';
import type { PublicKeyInfo } from '@scepter/x509';
import { checkPublicKey, createCertificateProfile } from '@scepter/ca';
import { newEcKey, newRsaKey } from '../test-authorities.ts';

const profile = createCertificateProfile();

function rsaKey(modulus: bigint, exponent = 65537n): PublicKeyInfo {
  const algorithm = encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded;
  const key = der.sequence(der.integer(modulus), der.integer(exponent));
  return decodePublicKeyInfo(der.sequence(algorithm, der.bitString(key)));
}

/** Odd, of exactly this length, no prime below 752 in it: only its form is right. */
function oddNumber(bits: number): bigint {
  return (1n << BigInt(bits - 1)) + 297n;
}

function nextPrime(from: bigint): bigint {
  let candidate = from | 1n;
  while (!checkPrimeSync(candidate, { checks: 8 })) candidate += 2n;
  return candidate;
}

function prime(bits: number): bigint {
  return generatePrimeSync(bits, { bigint: true });
}

/** A prime of the form that the faulty library made: k * M + (65537^a mod M). */
function rocaPrime(start: bigint): bigint {
  let product = 1n;
  for (let count = 0, candidate = 2n; count < 126; candidate += 1n) {
    if (!checkPrimeSync(candidate)) continue;
    product *= candidate;
    count += 1;
  }
  let power = 1n;
  for (let step = 0; step < 40; step += 1) power = (power * 65537n) % product;
  let factor = ((1n << 1023n) + (1n << 1022n)) / product + start;
  while (!checkPrimeSync(factor * product + power, { checks: 8 })) factor += 1n;
  return factor * product + power;
}

const good = newRsaKey();
const goodModulus = good.key.kind === 'rsa' ? BigInt(`0x${Buffer.from(good.key.modulus).toString('hex')}`) : 0n;
const closePrime = prime(1024);

function pointOffCurve(): PublicKeyInfo {
  const encoded = Uint8Array.from(newEcKey('P-256').encoded);
  encoded[encoded.length - 1] = (encoded.at(-1) ?? 0) ^ 1;
  return decodePublicKeyInfo(encoded);
}

function ed25519Like(): PublicKeyInfo {
  const algorithm = encodeAlgorithmIdentifier('1.3.101.112').encoded;
  return decodePublicKeyInfo(der.sequence(algorithm, der.bitString(new Uint8Array(32).fill(9))));
}

const badKeys: [name: string, key: PublicKeyInfo, code: string][] = [
  ['an Ed25519 key', ed25519Like(), 'key_type_unsupported'],
  ['RSA of 1024 bits', rsaKey(oddNumber(1024)), 'rsa_modulus_size'],
  ['RSA of 2047 bits', rsaKey(oddNumber(2047)), 'rsa_modulus_size'],
  ['RSA of 16384 bits', rsaKey(oddNumber(16384)), 'rsa_modulus_size'],
  ['RSA of 16384 bits with an exponent as long', rsaKey(oddNumber(16384), oddNumber(16383)), 'rsa_modulus_size'],
  ['an even modulus', rsaKey(goodModulus - 1n), 'rsa_modulus_even'],
  ['exponent 1', rsaKey(goodModulus, 1n), 'rsa_exponent'],
  ['exponent 3', rsaKey(goodModulus, 3n), 'rsa_exponent'],
  ['an even exponent', rsaKey(goodModulus, 65538n), 'rsa_exponent'],
  ['an exponent of 33 bits', rsaKey(goodModulus, (1n << 32n) + 1n), 'rsa_exponent'],
  ['a 2048-bit exponent', rsaKey(goodModulus, goodModulus - 2n), 'rsa_exponent'],
  ['a factor of 3', rsaKey(3n * prime(2047)), 'rsa_small_factor'],
  ['a factor of 751', rsaKey(751n * prime(2040)), 'rsa_small_factor'],
  ['neighbouring primes', rsaKey(closePrime * nextPrime(closePrime + 2n)), 'rsa_close_factors'],
  ['the square of a prime', rsaKey(closePrime * closePrime), 'rsa_close_factors'],
  [
    'primes that share all but 500 bits',
    rsaKey(closePrime * nextPrime(closePrime + (1n << 500n))),
    'rsa_close_factors',
  ],
  ['primes of the ROCA form', rsaKey(rocaPrime(1n) * rocaPrime(1000n)), 'rsa_roca'],
  ['a point that is not on P-256', pointOffCurve(), 'ec_point'],
];

describe('checkPublicKey', () => {
  for (const [name, key, code] of badKeys) {
    it(`refuses ${name}`, () => {
      assert.equal(checkPublicKey(key, profile)?.code, code);
    });
  }

  it('accepts RSA of 2048 and 3072 bits, and every curve of the profile', () => {
    for (const key of [good, newRsaKey(3072), newEcKey('P-256'), newEcKey('P-384'), newEcKey('P-521')]) {
      assert.equal(checkPublicKey(key, profile), undefined);
    }
  });

  it('refuses a curve that the profile does not allow', () => {
    const onlyP384 = createCertificateProfile({ ecCurves: ['P-384'] });
    assert.equal(checkPublicKey(newEcKey('P-256'), onlyP384)?.code, 'ec_curve');
    assert.equal(checkPublicKey(newEcKey('P-384'), onlyP384), undefined);
  });

  it("refuses the CA's own key, under any exponent", () => {
    assert.equal(checkPublicKey(good, profile, [good])?.code, 'forbidden_key');
    assert.equal(checkPublicKey(rsaKey(goodModulus, 65539n), profile, [good])?.code, 'forbidden_key');
    const ec = newEcKey('P-256');
    assert.equal(checkPublicKey(ec, profile, [good, ec])?.code, 'forbidden_key');
  });

  it('decides about silly keys in less than 2 ms', () => {
    const silly = badKeys.filter(([, , code]) =>
      ['rsa_modulus_size', 'rsa_exponent', 'rsa_modulus_even'].includes(code),
    );
    assert.ok(silly.length >= 9);
    for (const [name, key] of silly) {
      // The best of several, so that a busy machine does not count.
      const timesMs = Array.from({ length: 20 }, () => {
        const started = performance.now();
        checkPublicKey(key, profile);
        return performance.now() - started;
      });
      assert.ok(Math.min(...timesMs) < 2, `${name} took ${Math.min(...timesMs)} ms`);
    }
  });
});
