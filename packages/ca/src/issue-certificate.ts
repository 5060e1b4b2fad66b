import {
  assembleCertificate,
  decodeCertificate,
  equalBytes,
  signatureAlgorithmFor,
  verifyCertificateSignature,
} from '@scepter/x509';
import { CaError } from './errors.ts';
import { lintTbsCertificate } from './lint/lint-tbs-certificate.ts';
import type { LintContext } from './lint/lint-tbs-certificate.ts';
import type { SigningKey } from './signing-key.ts';

export interface IssuingContext extends LintContext {
  readonly signingKey: SigningKey;
}

/**
 * Turns a TBSCertificate into a certificate: lints it, signs it, and verifies the signature with the issuer's
 * certificate before anything is returned, so that neither a faulty key nor a faulty machine can hand out a bad one.
 *
 * @returns the DER certificate
 * @throws CaError `ca.lint` with the findings, before the key is used; `ca.signing_failed` when the key fails, is not the
 *   issuer's, or signs wrongly
 * @example
 * const certificate = issueCertificate(tbs, { signingKey, issuer, profile, contents });
 */
export function issueCertificate(tbs: Uint8Array, context: IssuingContext): Uint8Array {
  const { issuer, profile, signingKey } = context;
  const findings = lintTbsCertificate(tbs, context);
  if (findings.length > 0) {
    const names = findings.map(({ lint }) => lint).join(', ');
    throw new CaError('ca.lint', `The certificate was not signed: ${names}.`, { findings });
  }
  const algorithm = signatureAlgorithmFor(issuer.publicKey, profile.digest);
  const encoded = assembleCertificate(
    tbs,
    algorithm,
    signWith(signingKey, issuer.publicKey.encoded, tbs, profile.digest),
  );
  if (!verifyCertificateSignature(decodeCertificate(encoded), issuer.publicKey)) {
    throw new CaError('ca.signing_failed', 'The signing key made a signature that does not verify.');
  }
  return encoded;
}

/**
 * Signs with a key that must be the issuer's.
 *
 * @throws CaError `ca.signing_failed`
 */
export function signWith(
  signingKey: SigningKey,
  issuerPublicKey: Uint8Array,
  data: Uint8Array,
  digest: 'sha256' | 'sha384' | 'sha512',
): Uint8Array {
  if (!equalBytes(signingKey.publicKey.encoded, issuerPublicKey)) {
    throw new CaError('ca.signing_failed', "The signing key is not the issuer's.");
  }
  try {
    return signingKey.sign(data, digest);
  } catch (cause) {
    throw new CaError('ca.signing_failed', 'The signing key could not sign.', { cause });
  }
}
