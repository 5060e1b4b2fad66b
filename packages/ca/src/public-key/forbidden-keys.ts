import { equalBytes } from '@scepter/x509';
import type { PublicKeyInfo } from '@scepter/x509';
import type { KeyCheck } from './check-public-key.ts';

export const notForbidden: KeyCheck = (publicKey, _policy, forbiddenKeys) => {
  if (!forbiddenKeys.some((forbidden) => sameKey(publicKey, forbidden))) return undefined;
  return { code: 'forbidden_key', message: "The key is one of the CA's own or is known to others." };
};

/** RSA keys are the same when they share the modulus: the exponent is chosen by whoever writes the request. */
function sameKey(one: PublicKeyInfo, other: PublicKeyInfo): boolean {
  if (one.key.kind === 'rsa' && other.key.kind === 'rsa') return equalBytes(one.key.modulus, other.key.modulus);
  return equalBytes(one.encoded, other.encoded);
}
