import {
  assembleCertificate,
  decodeCertificate,
  der,
  digest,
  encodeAlgorithmIdentifier,
  encodeTbsCertificate,
  oid,
  parseName,
  signData,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { checkPrimeSync, createPrivateKey, createPublicKey, generatePrimeSync } from 'node:crypto';
import { newRsaKeys } from '../device/device.ts';
import type { KeyPair } from '../device/device.ts';

// Keys that no CA should certify (CA/Browser Forum Baseline Requirements section 6.1.6), each with a request that its
// owner could really sign.

/** A key and what it takes to ask for a certificate with it. */
export interface WeakKey {
  readonly name: string;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** PKCS#1 v1.5 with SHA-256. */
  sign(data: Uint8Array): Uint8Array;
}

const bytesOf = (value: bigint, size: number): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex'));

const publicKeyInfo = (modulus: Uint8Array, exponent: bigint): Uint8Array =>
  der.sequence(
    encodeAlgorithmIdentifier(oid.rsaEncryption, der.null()).encoded,
    der.bitString(der.sequence(der.unsignedInteger(modulus), der.integer(exponent))),
  );

/** RFC 8017 section 9.2. */
const pkcs1Block = (data: Uint8Array, size: number): Uint8Array => {
  const info = der.sequence(
    encodeAlgorithmIdentifier(oid.sha256, der.null()).encoded,
    der.octetString(digest('sha256', data)),
  );
  const padding = new Uint8Array(size - info.length - 3).fill(0xff);
  return der.concat(Uint8Array.of(0, 1), padding, Uint8Array.of(0), info);
};

const ofPair = (name: string, { privateKey, publicKey }: KeyPair): WeakKey => ({
  name,
  publicKey: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
  sign: (data) => signData(privateKey, 'sha256', data),
});

/** With the exponent 1 every message is its own signature, whatever the modulus. */
const exponentOne = (bits: number, randomBytes: (size: number) => Uint8Array): WeakKey => {
  const modulus = Uint8Array.from(randomBytes(bits / 8));
  modulus[0] = (modulus[0] ?? 0) | 0xc0;
  modulus[modulus.length - 1] = (modulus.at(-1) ?? 0) | 1;
  return {
    name: `RSA ${bits} with exponent 1`,
    publicKey: publicKeyInfo(modulus, 1n),
    sign: (data) => pkcs1Block(data, modulus.length),
  };
};

const nextPrime = (start: bigint): bigint => {
  let candidate = start + 2n;
  while (!checkPrimeSync(candidate)) candidate += 2n;
  return candidate;
};

const inverse = (value: bigint, modulus: bigint): bigint => {
  let [previous, current] = [modulus, value];
  let [before, now] = [0n, 1n];
  while (current !== 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [before, now] = [now, before - quotient * now];
  }
  return ((before % modulus) + modulus) % modulus;
};

/** Primes side by side: Fermat's method factors the modulus at once. */
const closePrimes = (): WeakKey => {
  const exponent = 65_537n;
  const first = generatePrimeSync(1024, { bigint: true });
  const second = nextPrime(first);
  const encode = (value: bigint, size: number): string => Buffer.from(bytesOf(value, size)).toString('base64url');
  const secret = inverse(exponent, (first - 1n) * (second - 1n));
  const privateKey = createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'RSA',
      n: encode(first * second, 256),
      e: 'AQAB',
      d: encode(secret, 256),
      p: encode(first, 128),
      q: encode(second, 128),
      dp: encode(secret % (first - 1n), 128),
      dq: encode(secret % (second - 1n), 128),
      qi: encode(inverse(second, first), 128),
    },
  });
  return ofPair('RSA 2048 of two neighbouring primes', { privateKey, publicKey: createPublicKey(privateKey) });
};

/** In the order in which they are sent. */
export const weakKeys = async (randomBytes: (size: number) => Uint8Array): Promise<WeakKey[]> => [
  ofPair('RSA 512', await newRsaKeys(512)),
  ofPair('RSA 1024', await newRsaKeys(1024)),
  exponentOne(2048, randomBytes),
  exponentOne(16_384, randomBytes),
  closePrimes(),
];

const signatureAlgorithm = encodeAlgorithmIdentifier(oid.sha256WithRSA, der.null());
const dayMs = 86_400_000;

/** The self-signed certificate of such a key. */
export const weakCertificate = (key: WeakKey, subject: string, serialNumber: Uint8Array, now: Date): Certificate => {
  const tbs = encodeTbsCertificate({
    serialNumber,
    signatureAlgorithm,
    issuer: parseName(subject),
    notBefore: new Date(now.getTime() - dayMs),
    notAfter: new Date(now.getTime() + dayMs),
    subject: parseName(subject),
    publicKey: key.publicKey,
    extensions: [],
  });
  return decodeCertificate(assembleCertificate(tbs, signatureAlgorithm, key.sign(tbs)));
};

/** The PKCS#10 of such a key. */
export const weakRequest = (key: WeakKey, subject: string, challenge: string): Uint8Array => {
  const attribute = der.sequence(der.oid(oid.challengePassword), der.set(der.utf8String(challenge)));
  const info = der.sequence(
    der.integer(0),
    parseName(subject).encoded,
    key.publicKey,
    der.implicitConstructed(0, attribute),
  );
  return der.sequence(info, signatureAlgorithm.encoded, der.bitString(key.sign(info)));
};
