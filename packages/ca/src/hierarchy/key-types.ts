/* The kinds of key that a CA and its RA may have. */
import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { DigestName } from '@scepter/x509';

export const rsaKeyTypes = ['rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export const authorityKeyTypes = [...rsaKeyTypes, 'ec-p256', 'ec-p384'] as const;

/** An RSA modulus length. The public exponent is 65537. */
export type RsaKeyType = (typeof rsaKeyTypes)[number];
/** A CA's key: RSA or EC on a NIST curve. */
export type AuthorityKeyType = (typeof authorityKeyTypes)[number];

export interface KeyPairObjects {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** Draws from OpenSSL's own generator. */
export async function generateKeys(type: AuthorityKeyType): Promise<KeyPairObjects> {
  const [kind, size] = type.split('-');
  if (kind === 'rsa') {
    return promisify(generateKeyPair)('rsa', { modulusLength: Number(size), publicExponent: 65_537 });
  }
  return promisify(generateKeyPair)('ec', { namedCurve: type === 'ec-p384' ? 'P-384' : 'P-256' });
}

/** A digest as strong as the key (FIPS 186-5 6.1.1 for curves); SHA-256 for RSA of every size, which all clients know. */
export function digestFor(privateKey: KeyObject): DigestName {
  return privateKey.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'sha384' : 'sha256';
}
