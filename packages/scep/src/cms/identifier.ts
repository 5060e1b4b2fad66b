import {
  decodeSubjectKeyIdentifier,
  der,
  equalBytes,
  findExtension,
  keyIdentifier,
  namesEqual,
  oid,
  readName,
  tag,
} from '@scepter/x509';
import type { Asn1Reader, Certificate, Name } from '@scepter/x509';

// RFC 5652 sections 5.3 and 6.2.1: SignerIdentifier and RecipientIdentifier are the same choice.
// CHOICE {
//   issuerAndSerialNumber IssuerAndSerialNumber,   -- SEQUENCE { issuer Name, serialNumber INTEGER }
//   subjectKeyIdentifier [0] SubjectKeyIdentifier }  -- IMPLICIT OCTET STRING

/** Names a certificate in a SignerInfo or a RecipientInfo. */
export type CertificateIdentifier =
  | { kind: 'issuerAndSerial'; issuer: Name; serialNumber: Uint8Array }
  | { kind: 'subjectKeyIdentifier'; keyIdentifier: Uint8Array };

export const readCertificateIdentifier = (reader: Asn1Reader): CertificateIdentifier =>
  reader.peekTag() === tag.sequence
    ? { kind: 'issuerAndSerial', ...readIssuerAndSerialNumber(reader.sequence()) }
    : { kind: 'subjectKeyIdentifier', keyIdentifier: reader.implicitOctetString(0) };

/** The fields of an IssuerAndSerialNumber, with nothing behind them. */
export const readIssuerAndSerialNumber = (fields: Asn1Reader): { issuer: Name; serialNumber: Uint8Array } => {
  const issuer = readName(fields);
  const serialNumber = fields.integerBytes();
  fields.end();
  return { issuer, serialNumber };
};

/** The same INTEGER may arrive padded: some clients copy a certificate's bytes, others encode the number anew. */
export const minimalInteger = (bytes: Uint8Array): Uint8Array => {
  let start = 0;
  while (start + 1 < bytes.length && bytes[start] === 0 && (bytes[start + 1] ?? 0) < 0x80) start += 1;
  return bytes.subarray(start);
};

const ownKeyIdentifier = (certificate: Certificate): Uint8Array => {
  const extension = findExtension(certificate.extensions, oid.subjectKeyIdentifier);
  return extension === undefined ? keyIdentifier(certificate.publicKey) : decodeSubjectKeyIdentifier(extension.value);
};

/** Tells whether an identifier means this certificate. Throws an Asn1Error for a damaged subjectKeyIdentifier extension. */
export const identifies = (identifier: CertificateIdentifier, certificate: Certificate): boolean => {
  if (identifier.kind === 'subjectKeyIdentifier') {
    return equalBytes(identifier.keyIdentifier, ownKeyIdentifier(certificate));
  }
  return (
    equalBytes(minimalInteger(identifier.serialNumber), minimalInteger(certificate.serialNumber)) &&
    (equalBytes(identifier.issuer.encoded, certificate.issuer.encoded) ||
      namesEqual(identifier.issuer, certificate.issuer))
  );
};

/**
 * Always issuerAndSerialNumber: jscep and old devices look certificates up by nothing else.
 * The serial number is written with the certificate's own bytes, which may be negative or over-long.
 */
export const encodeCertificateIdentifier = (certificate: Certificate): Uint8Array =>
  der.sequence(certificate.issuer.encoded, integerOf(certificate.serialNumber));

/** An INTEGER from its content bytes, whose sign `der.unsignedInteger` would change. */
const integerOf = (content: Uint8Array): Uint8Array => {
  const encoded = der.octetString(content);
  encoded[0] = tag.integer;
  return encoded;
};
