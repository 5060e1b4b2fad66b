import type { KeyObject } from 'node:crypto';
import { publicKeyInfoOf, signData } from '@scepter/x509';
import type { DigestName, PublicKeyInfo } from '@scepter/x509';

/**
 * A CA's private key, wherever it lives. `sign` is synchronous because it runs inside a crypto worker; it returns
 * RSA PKCS#1 v1.5 or DER ECDSA, and throws when the key cannot be used. It never returns a signature over other data.
 */
export interface SigningKey {
  readonly publicKey: PublicKeyInfo;
  sign(data: Uint8Array, digest: DigestName): Uint8Array;
}

/**
 * A signing key in this process's memory.
 *
 * @example
 * const signingKey = localSigningKey(hierarchy.issuing.privateKey);
 */
export function localSigningKey(privateKey: KeyObject): SigningKey {
  return {
    publicKey: publicKeyInfoOf(privateKey),
    sign: (data, digest) => signData(privateKey, digest, data),
  };
}
