/* Certificate revocation lists (RFC 5280 5): complete, direct, version 2. */
import {
  assembleCertificateList,
  decodeKeyUsage,
  encodeTbsCertificateList,
  findExtension,
  oid,
  signatureAlgorithmFor,
  toHex,
  verifySignature,
} from '@scepter/x509';
import type { Certificate, RevocationReason } from '@scepter/x509';
import { wholeSeconds } from './certificate-contents.ts';
import { issuerKeyIdentifier } from './compose-tbs-certificate.ts';
import { CaError } from './errors.ts';
import { signWith } from './issue-certificate.ts';
import type { SigningKey } from './signing-key.ts';

export interface RevokedCertificate {
  /** Big-endian magnitude, as issued. */
  readonly serialNumber: Uint8Array;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

export interface CrlContents {
  readonly issuer: Certificate;
  readonly signingKey: SigningKey;
  /** Greater than that of every earlier list of this issuer (5.2.3); at most 20 bytes. */
  readonly crlNumber: bigint;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly revoked: readonly RevokedCertificate[];
  /** SHA-256 when not given. */
  readonly digest?: 'sha256' | 'sha384' | 'sha512';
}

/**
 * Issues a complete CRL: signed by the issuer, verified before it is returned.
 *
 * @returns the DER CertificateList
 * @throws CaError `ca.invalid_crl` for contents that no CRL may have; `ca.signing_failed`
 * @example
 * const crl = issueCrl({ issuer, signingKey, crlNumber: 7n, thisUpdate, nextUpdate, revoked: [] });
 */
export function issueCrl(contents: CrlContents): Uint8Array {
  const { issuer, signingKey, crlNumber, digest = 'sha256' } = contents;
  const trouble = troubleWith(contents);
  if (trouble !== undefined) throw new CaError('ca.invalid_crl', trouble);
  const signatureAlgorithm = signatureAlgorithmFor(issuer.publicKey, digest);
  const tbs = encodeTbsCertificateList({
    signatureAlgorithm,
    issuer: issuer.subject,
    thisUpdate: wholeSeconds(contents.thisUpdate.getTime()),
    nextUpdate: wholeSeconds(contents.nextUpdate.getTime()),
    crlNumber,
    authorityKeyIdentifier: issuerKeyIdentifier(issuer),
    revoked: contents.revoked.map((entry) => ({ ...entry, revokedAt: wholeSeconds(entry.revokedAt.getTime()) })),
  });
  const signature = signWith(signingKey, issuer.publicKey.encoded, tbs, digest);
  if (!verifySignature(signatureAlgorithm, issuer.publicKey, tbs, signature)) {
    throw new CaError('ca.signing_failed', 'The signing key made a signature that does not verify.');
  }
  return assembleCertificateList(tbs, signatureAlgorithm, signature);
}

/** 20 bytes, whose first bit is the sign (5.2.3). */
const CRL_NUMBER_LIMIT = 1n << 159n;

function troubleWith({ issuer, crlNumber, thisUpdate, nextUpdate, revoked }: CrlContents): string | undefined {
  const usage = findExtension(issuer.extensions, oid.keyUsage);
  if (usage === undefined || !decodeKeyUsage(usage.value).includes('cRLSign')) return 'The issuer may not sign CRLs.';
  if (crlNumber < 0n || crlNumber >= CRL_NUMBER_LIMIT) return 'The CRL number is negative or longer than 20 bytes.';
  if (!(nextUpdate.getTime() >= thisUpdate.getTime() + 1000)) return 'nextUpdate is not after thisUpdate.';
  const serialNumbers = new Set(revoked.map(({ serialNumber }) => toHex(serialNumber)));
  if (serialNumbers.size < revoked.length) return 'A serial number is listed twice.';
  // A complete list drops such entries; the reason exists for delta CRLs (5.3.1).
  if (revoked.some(({ reason }) => reason === 'removeFromCRL')) return 'removeFromCRL has no place in a complete CRL.';
  return undefined;
}
