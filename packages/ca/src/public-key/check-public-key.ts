import type { PublicKeyInfo } from '@scepter/x509';
import type { CertificateProfile } from '../certificate-profile.ts';
import { curveAllowed, pointOnCurve } from './ec-checks.ts';
import { notForbidden } from './forbidden-keys.ts';
import { exponentSound, factorsFarApart, modulusOdd, modulusSize, noSmallFactor, notRoca } from './rsa-checks.ts';

/** Why a public key is not certified. */
export type KeyProblemCode =
  | 'key_type_unsupported'
  | 'rsa_modulus_size'
  | 'rsa_modulus_even'
  | 'rsa_exponent'
  | 'rsa_small_factor'
  | 'rsa_close_factors'
  | 'rsa_roca'
  | 'ec_curve'
  | 'ec_point'
  | 'forbidden_key';

export interface KeyProblem {
  readonly code: KeyProblemCode;
  /** One sentence for an operator. */
  readonly message: string;
}

export type KeyPolicy = Pick<CertificateProfile, 'rsaBits' | 'ecCurves'>;

/** One named rule. It is only asked when every rule before it found nothing. */
export type KeyCheck = (
  publicKey: PublicKeyInfo,
  policy: KeyPolicy,
  forbiddenKeys: readonly PublicKeyInfo[],
) => KeyProblem | undefined;

/** In the order in which they are asked: type and size come first, so that no arithmetic runs on a silly key. */
const keyChecks: readonly KeyCheck[] = [
  typeSupported,
  modulusSize,
  modulusOdd,
  exponentSound,
  curveAllowed,
  pointOnCurve,
  notForbidden,
  noSmallFactor,
  notRoca,
  factorsFarApart,
];

/**
 * Says whether a public key is good enough to certify. Cheap for any input, so it can run before the key is first used
 * to verify anything.
 *
 * @param forbiddenKeys keys that nobody else may have a certificate for: those of the CA and the RA, and known leaked ones
 * @returns the first problem, or undefined for a good key
 * @example
 * const problem = checkPublicKey(request.publicKey, profile, [issuer.publicKey, registration.publicKey]);
 */
export function checkPublicKey(
  publicKey: PublicKeyInfo,
  policy: KeyPolicy,
  forbiddenKeys: readonly PublicKeyInfo[] = [],
): KeyProblem | undefined {
  for (const check of keyChecks) {
    const problem = check(publicKey, policy, forbiddenKeys);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function typeSupported({ key, algorithm }: PublicKeyInfo): KeyProblem | undefined {
  if (key.kind !== 'unknown') return undefined;
  return { code: 'key_type_unsupported', message: `The key type ${algorithm} is not RSA or a known elliptic curve.` };
}
