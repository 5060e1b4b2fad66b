/*
 * TBSCertificate, as a lint reads it (RFC 5280 4.1):
 *
 *   TBSCertificate ::= SEQUENCE {
 *     version         [0] EXPLICIT Version DEFAULT v1,   -- v3 = 2
 *     serialNumber         CertificateSerialNumber,
 *     signature            AlgorithmIdentifier,
 *     issuer               Name,
 *     validity             Validity,
 *     subject              Name,
 *     subjectPublicKeyInfo SubjectPublicKeyInfo,
 *     issuerUniqueID  [1] IMPLICIT UniqueIdentifier OPTIONAL,
 *     subjectUniqueID [2] IMPLICIT UniqueIdentifier OPTIONAL,
 *     extensions      [3] EXPLICIT Extensions OPTIONAL }
 *
 * Read here and not by what composes it, so that a mistake there is not made twice. Unique identifiers, which
 * conforming CAs must not generate (4.1.2.8), are not read and so refuse the whole.
 */
import { Asn1Reader, readAlgorithmIdentifier, readName, readPublicKeyInfo, tag } from '@scepter/x509';
import type { AlgorithmIdentifier, Extension, Name, PublicKeyInfo } from '@scepter/x509';

export interface TbsCertificate {
  readonly version: number;
  /** Two's complement content bytes. */
  readonly serialNumber: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  readonly publicKey: PublicKeyInfo;
  readonly extensions: readonly Extension[];
}

/** @throws Asn1Error when the bytes are not a DER TBSCertificate with extensions and without unique identifiers */
export function readTbsCertificate(encoded: Uint8Array): TbsCertificate {
  const outer = Asn1Reader.of(encoded);
  const fields = outer.sequence();
  outer.end();
  const version = fields.constructed(tag.contextConstructed(0)).smallInteger();
  const serialNumber = fields.integerBytes();
  const signatureAlgorithm = readAlgorithmIdentifier(fields);
  const issuer = readName(fields);
  const validity = fields.sequence();
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.end();
  const subject = readName(fields);
  const publicKey = readPublicKeyInfo(fields);
  const extensions = readExtensions(fields.constructed(tag.contextConstructed(3)).sequence());
  fields.end();
  return { version, serialNumber, signatureAlgorithm, issuer, notBefore, notAfter, subject, publicKey, extensions };
}

/** Unlike the codec of @scepter/x509 this keeps duplicates, which have a lint of their own. */
function readExtensions(list: Asn1Reader): Extension[] {
  const extensions: Extension[] = [];
  while (!list.atEnd()) {
    const fields = list.sequence();
    const type = fields.oid();
    const critical = fields.peekTag() === tag.boolean && fields.boolean();
    extensions.push({ oid: type, critical, value: fields.octetString() });
    fields.end();
  }
  return extensions;
}
