import {
  Asn1Reader,
  decodeBasicConstraints,
  decodeCertificate,
  decodeKeyUsage,
  findExtension,
  isSelfSigned,
  namesEqual,
  oid,
  tag,
} from '@scepter/x509';
import type { Certificate, KeyUsage } from '@scepter/x509';
import { decodeCertsOnly } from './cms/certs-only.ts';
import { canEnvelopeFor } from './cms/recipient-info.ts';
import { ScepError, decoding } from './errors.ts';

// RFC 8894 section 4.2.1: one certificate when the CA speaks for itself, else a degenerate SignedData with the RA and
// CA certificates.

/** The certificates of a GetCACert answer and what each is for. */
export interface CaCertificates {
  /** All of them, in the server's order. Not authenticated: compare a fingerprint that was had by another way. */
  certificates: Certificate[];
  /** The CA that issues. */
  ca: Certificate;
  /** Whom requests are encrypted to. */
  recipient: Certificate;
  /** Whose signature on replies is acceptable. */
  signers: Certificate[];
}

const isCa = (certificate: Certificate): boolean => {
  const extension = findExtension(certificate.extensions, oid.basicConstraints);
  return extension === undefined ? isSelfSigned(certificate) : decodeBasicConstraints(extension.value).ca;
};

/** Without the extension, a key may be used for everything (RFC 5280 section 4.2.1.3). */
const mayBeUsedFor = (certificate: Certificate, usage: KeyUsage): boolean => {
  const extension = findExtension(certificate.extensions, oid.keyUsage);
  return extension === undefined || decodeKeyUsage(extension.value).includes(usage);
};

const chooseIssuer = (authorities: Certificate[], registrationAuthorities: Certificate[]): Certificate | undefined => {
  const issuedRegistration = authorities.find((authority) =>
    registrationAuthorities.some((certificate) => namesEqual(certificate.issuer, authority.subject)),
  );
  // Of a chain, the issuing CA is the one that issued none of the others.
  const lowest = authorities.find(
    (authority) => !authorities.some((other) => other !== authority && namesEqual(other.issuer, authority.subject)),
  );
  return issuedRegistration ?? lowest ?? authorities[0];
};

const chooseRecipient = (ca: Certificate, registrationAuthorities: Certificate[]): Certificate => {
  const candidates = [...registrationAuthorities, ca].filter((certificate) => canEnvelopeFor(certificate));
  const recipient =
    candidates.find((certificate) => mayBeUsedFor(certificate, 'keyEncipherment')) ??
    // Older CAs speak for themselves with a certificate that is only meant to sign.
    candidates.find((certificate) => certificate === ca);
  if (recipient === undefined) {
    throw new ScepError('scep.ca_certificates', 'the server has no certificate that a request can be encrypted to');
  }
  return recipient;
};

/** The certificates of a CA that takes over, from GetNextCACert. */
export interface NextCaCertificates {
  /** All of them, in the server's order. */
  certificates: Certificate[];
  /** The CA that will issue. */
  ca: Certificate;
}

const isRegistration = (authorities: readonly Certificate[]) => (certificate: Certificate) =>
  !authorities.includes(certificate);

/** @throws ScepError `scep.ca_certificates` */
export const findNextCa = (certificates: Certificate[]): NextCaCertificates => {
  const authorities = certificates.filter((certificate) => isCa(certificate));
  const ca = chooseIssuer(authorities, certificates.filter(isRegistration(authorities)));
  if (ca === undefined) throw new ScepError('scep.ca_certificates', 'the server gave no next CA certificate');
  return { certificates, ca };
};

/** Sorts out who issues, who decrypts and who signs. @throws ScepError `scep.ca_certificates` */
const assignRoles = (certificates: Certificate[]): CaCertificates => {
  const authorities = certificates.filter((certificate) => isCa(certificate));
  const registrationAuthorities = certificates.filter(isRegistration(authorities));
  const ca = chooseIssuer(authorities, registrationAuthorities);
  if (ca === undefined) throw new ScepError('scep.ca_certificates', 'the server gave no CA certificate');
  const signing = registrationAuthorities.filter((certificate) => mayBeUsedFor(certificate, 'digitalSignature'));
  return { certificates, ca, recipient: chooseRecipient(ca, registrationAuthorities), signers: [...signing, ca] };
};

const isContentInfo = (bytes: Uint8Array): boolean =>
  Asn1Reader.of(bytes, { rules: 'ber' }).sequence().peekTag() === tag.oid;

/** Reads the body of a GetCACert answer by what it is, since servers mislabel it. @throws ScepError `scep.ca_certificates` */
export const readCaCertificates = (body: Uint8Array): CaCertificates => {
  const certificates = decoding('scep.ca_certificates', 'the answer to GetCACert', () => {
    const encoded = isContentInfo(body) ? decodeCertsOnly(body).certificates : [body];
    return encoded.map((bytes) => decodeCertificate(bytes, { rules: 'ber' }));
  });
  return decoding('scep.ca_certificates', 'the answer to GetCACert', () => assignRoles(certificates));
};
