import {
  decodeBasicConstraints,
  decodeCertificate,
  decodeKeyUsage,
  equalBytes,
  findExtension,
  namesEqual,
  oid,
  verifyCertificateSignature,
} from '@scepter/x509';
import type { Certificate, KeyUsage } from '@scepter/x509';
import { readSignedData } from './read-reply.ts';

// RFC 8894 section 4.2.1: one certificate in DER, or a degenerate SignedData.

export interface OfferedCertificates {
  readonly form: 'one certificate' | 'certificates-only';
  readonly certificates: readonly Certificate[];
  /** Of a certificates-only message: what it should not have. */
  readonly signers: number;
  readonly hasContent: boolean;
}

/** Reads a GetCACert answer by what it is, not by what it is called. @throws Asn1Error or WireError */
export const readOffered = (body: Uint8Array): OfferedCertificates => {
  try {
    return {
      form: 'one certificate',
      certificates: [decodeCertificate(body, { rules: 'ber' })],
      signers: 0,
      hasContent: false,
    };
  } catch {
    const { certificates, content, signers } = readSignedData(body);
    return {
      form: 'certificates-only',
      certificates: certificates.map((encoded) => decodeCertificate(encoded, { rules: 'ber' })),
      signers: signers.length,
      hasContent: content !== undefined,
    };
  }
};

/** `undefined` without the extension, which allows everything (RFC 5280 section 4.2.1.3). */
export const keyUsagesOf = (certificate: Certificate): KeyUsage[] | undefined => {
  const extension = findExtension(certificate.extensions, oid.keyUsage);
  return extension === undefined ? undefined : decodeKeyUsage(extension.value);
};

const mayBeUsedFor = (certificate: Certificate, usage: KeyUsage): boolean =>
  keyUsagesOf(certificate)?.includes(usage) ?? true;

export const isAuthority = (certificate: Certificate): boolean => {
  const extension = findExtension(certificate.extensions, oid.basicConstraints);
  return extension === undefined
    ? namesEqual(certificate.subject, certificate.issuer)
    : decodeBasicConstraints(extension.value).ca;
};

/** Who does what, as clients work it out from the certificates alone. */
export interface Roles {
  readonly all: readonly Certificate[];
  readonly authorities: readonly Certificate[];
  readonly registrationAuthorities: readonly Certificate[];
  /** The CA that issues: it issued the RA certificates, or none of the other CAs. */
  readonly issuer: Certificate | undefined;
  /** Whom a client encrypts to. */
  readonly recipient: Certificate | undefined;
  /** Whose signature a client accepts. */
  readonly signers: readonly Certificate[];
}

export const assignRoles = (all: readonly Certificate[]): Roles => {
  const authorities = all.filter(isAuthority);
  const registrationAuthorities = all.filter((certificate) => !authorities.includes(certificate));
  const issued = authorities.find((authority) =>
    registrationAuthorities.some((certificate) => verifyCertificateSignature(certificate, authority.publicKey)),
  );
  const lowest = authorities.find(
    (authority) => !authorities.some((other) => other !== authority && namesEqual(other.issuer, authority.subject)),
  );
  const issuer = issued ?? lowest ?? authorities[0];
  const candidates = [...registrationAuthorities, ...(issuer === undefined ? [] : [issuer])].filter(
    ({ publicKey }) => publicKey.key.kind === 'rsa',
  );
  return {
    all,
    authorities,
    registrationAuthorities,
    issuer,
    recipient: candidates.find((certificate) => mayBeUsedFor(certificate, 'keyEncipherment')) ?? candidates.at(-1),
    signers: [
      ...registrationAuthorities.filter((certificate) => mayBeUsedFor(certificate, 'digitalSignature')),
      ...authorities,
    ],
  };
};

/** Whether a certificate is the ancestor, or was issued under it by way of the others. */
export const isUnder = (certificate: Certificate, ancestor: Certificate, others: readonly Certificate[]): boolean => {
  let current = certificate;
  // A chain is no longer than there are certificates.
  for (let length = 0; length <= others.length; length += 1) {
    if (equalBytes(current.encoded, ancestor.encoded)) return true;
    const issuer = others.find(
      (other) =>
        namesEqual(current.issuer, other.subject) &&
        isAuthority(other) &&
        verifyCertificateSignature(current, other.publicKey),
    );
    if (issuer === undefined) return false;
    current = issuer;
  }
  return false;
};
