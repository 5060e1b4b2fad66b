import {
  authorityInfoAccessExtension,
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  crlDistributionPointsExtension,
  decodeSubjectKeyIdentifier,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  findExtension,
  keyUsageExtension,
  oid,
  signatureAlgorithmFor,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
} from '@scepter/x509';
import type { Certificate, Extension, KeyUsage, PublicKeyInfo } from '@scepter/x509';
import { withinIssuer } from './certificate-contents.ts';
import type { CertificateContents } from './certificate-contents.ts';
import type { CertificateProfile } from './certificate-profile.ts';
import { CaError } from './errors.ts';

export interface TbsCertificateParts {
  readonly contents: CertificateContents;
  readonly profile: CertificateProfile;
  readonly issuer: Certificate;
  /** Big-endian magnitude, from {@link newSerialNumber}. */
  readonly serialNumber: Uint8Array;
}

/**
 * Composes the part of a certificate that is signed (RFC 5280 4.1.2) from contents and profile alone.
 * The validity is clipped to the issuer's. Nothing is judged here: {@link lintTbsCertificate} reads the result afresh.
 *
 * @returns the DER TBSCertificate
 * @throws CaError `ca.invalid_argument` when the issuer has no subject key identifier
 * @example
 * const tbs = composeTbsCertificate({ contents, profile, issuer, serialNumber: newSerialNumber(randomBytes) });
 */
export function composeTbsCertificate(parts: TbsCertificateParts): Uint8Array {
  const { contents, profile, issuer, serialNumber } = parts;
  const { notBefore, notAfter } = withinIssuer(contents, issuer);
  return encodeTbsCertificate({
    serialNumber,
    signatureAlgorithm: signatureAlgorithmFor(issuer.publicKey, profile.digest),
    issuer: issuer.subject,
    notBefore,
    notAfter,
    subject: contents.subject,
    publicKey: contents.publicKey.encoded,
    extensions: composeExtensions(parts),
  });
}

function composeExtensions({ contents, profile, issuer }: TbsCertificateParts): Extension[] {
  const keyUsages = orDefault(contents.keyUsages, profile.defaultKeyUsages);
  const extensions = [
    // CA:FALSE is said aloud, critical: absence means the same (RFC 5280 4.2.1.9), but verifiers have been caught that
    // forgot to look, and an explicit answer leaves nothing to a default.
    basicConstraintsExtension({ ca: false }),
    keyUsageExtension(usagesOfKey(keyUsages, contents.publicKey)),
    extendedKeyUsageExtension([...orDefault(contents.extendedKeyUsages, profile.defaultExtendedKeyUsages)]),
    subjectKeyIdentifierExtension(contents.publicKey),
    authorityKeyIdentifierExtension(issuerKeyIdentifier(issuer)),
  ];
  if (contents.subjectAltNames.length > 0) {
    // RFC 5280 4.2.1.6: critical when it is all that names the subject.
    extensions.push(subjectAltNameExtension([...contents.subjectAltNames], contents.subject.rdns.length === 0));
  }
  if (profile.crlUrls.length > 0) extensions.push(crlDistributionPointsExtension([...profile.crlUrls]));
  if (profile.caIssuerUrls.length > 0) {
    extensions.push(authorityInfoAccessExtension({ caIssuers: [...profile.caIssuerUrls] }));
  }
  return extensions;
}

/**
 * The issuer's own subject key identifier, byte for byte: it need not be the hash of its key, and OpenSSL, GnuTLS and
 * NSS do not build a chain over an identifier that differs.
 *
 * @throws CaError `ca.invalid_argument` when the issuer has none
 */
export function issuerKeyIdentifier(issuer: Certificate): Uint8Array {
  const extension = findExtension(issuer.extensions, oid.subjectKeyIdentifier);
  if (extension === undefined) {
    throw new CaError('ca.invalid_argument', 'The issuing certificate has no subject key identifier.');
  }
  return decodeSubjectKeyIdentifier(extension.value);
}

const RSA_ONLY: ReadonlySet<KeyUsage> = new Set(['keyEncipherment', 'dataEncipherment']);

/** RFC 5480 3: an elliptic curve key enciphers nothing, so a profile made for RSA keys gives it less. */
function usagesOfKey(usages: readonly KeyUsage[], { key }: PublicKeyInfo): KeyUsage[] {
  return key.kind === 'ec' ? usages.filter((usage) => !RSA_ONLY.has(usage)) : [...usages];
}

function orDefault<Item>(wanted: readonly Item[], byDefault: readonly Item[]): readonly Item[] {
  return wanted.length > 0 ? wanted : byDefault;
}
