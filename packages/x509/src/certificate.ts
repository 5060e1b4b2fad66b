import { readSigned } from './signed.ts';
import type { KeyObject } from 'node:crypto';
import type { AlgorithmIdentifier } from './algorithm-identifier.ts';
import { readAlgorithmIdentifier } from './algorithm-identifier.ts';
import { der } from './asn1/der.ts';
import { Asn1Error } from './asn1/errors.ts';
import type { EncodingRules } from './asn1/header.ts';
import { Asn1Reader } from './asn1/reader.ts';
import { tag } from './asn1/tags.ts';
import { equalBytes, toHex } from './bytes.ts';
import type { Extension } from './extensions/extension.ts';
import { encodeExtensions, readExtensions } from './extensions/extension.ts';
import type { Name } from './name.ts';
import { namesEqual, readName } from './name.ts';
import type { PublicKeyInfo } from './public-key-info.ts';
import { readPublicKeyInfo } from './public-key-info.ts';
import { digest, publicKeyInfoOf, signatureAlgorithmFor, signData, verifySignature } from './signature.ts';
import type { DigestName } from './signature-algorithms.ts';

// Certificate, RFC 5280 4.1:
//   SEQUENCE { tbsCertificate, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
//   TBSCertificate ::= SEQUENCE { [0] EXPLICIT version DEFAULT v1, serialNumber INTEGER, signature AlgorithmIdentifier,
//     issuer Name, validity SEQUENCE { notBefore Time, notAfter Time }, subject Name, subjectPublicKeyInfo,
//     [1] issuerUniqueID, [2] subjectUniqueID, [3] EXPLICIT Extensions OPTIONAL }

/** RFC 5280 allows 20 bytes; clients sign with certificates of 32 and more. */
const maxSerialNumberLength = 128;

export interface Certificate {
  /** The whole certificate, exactly as received. */
  readonly encoded: Uint8Array;
  /** The part that is signed. */
  readonly tbs: Uint8Array;
  /** The content octets of the INTEGER, as received: two's complement, big-endian. */
  readonly serialNumber: Uint8Array;
  /** Upper-case hex of `serialNumber` without the zero byte that only keeps it positive. */
  readonly serialHex: string;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: PublicKeyInfo;
  readonly extensions: readonly Extension[];
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/**
 * Decodes a certificate. Does not verify it: see {@link verifyCertificateSignature}.
 *
 * Accepted beyond RFC 5280, because foreign certificates have it: negative, zero, padded and long serial numbers, and
 * version 1.
 *
 * @param encoded the certificate and nothing else
 * @throws Asn1Error
 * @example
 * const certificate = decodeCertificate(bytes);
 * if (!verifyCertificateSignature(certificate, issuer.publicKey)) throw new Error('not by this issuer');
 */
export function decodeCertificate(encoded: Uint8Array, options: { readonly rules?: EncodingRules } = {}): Certificate {
  const signed = readSigned(Asn1Reader.of(encoded, options));
  const { toBeSigned, signatureAlgorithm, signature } = signed;
  const { innerAlgorithm, ...contents } = readTbs(toBeSigned.children());
  // RFC 5280, 4.1.1.2: what is signed must name the algorithm, too, or it could be exchanged.
  if (!equalBytes(innerAlgorithm.encoded, signatureAlgorithm.encoded)) {
    throw new Asn1Error('bad_value', 'two different signature algorithms in one certificate');
  }
  return { encoded: signed.encoded, tbs: toBeSigned.encoded, ...contents, signatureAlgorithm, signature };
}

type TbsContents = Omit<Certificate, 'encoded' | 'tbs' | 'signatureAlgorithm' | 'signature'>;

function readTbs(fields: Asn1Reader): TbsContents & { innerAlgorithm: AlgorithmIdentifier } {
  const versionField = fields.optionalConstructed(tag.contextConstructed(0));
  const version = versionField?.smallInteger() ?? 0;
  versionField?.end();
  if (version < 0 || version > 2) throw new Asn1Error('bad_value', 'a certificate of an unknown version');
  const serialNumber = readSerialNumber(fields);
  const innerAlgorithm = readAlgorithmIdentifier(fields);
  const issuer = readName(fields);
  const validity = fields.sequence();
  const notBefore = validity.time();
  const notAfter = validity.time();
  validity.end();
  const subject = readName(fields);
  const publicKey = readPublicKeyInfo(fields);
  fields.optional(tag.context(1));
  fields.optional(tag.context(2));
  const extensionsField = fields.optionalConstructed(tag.contextConstructed(3));
  const extensions = extensionsField === undefined ? [] : readExtensions(extensionsField);
  extensionsField?.end();
  fields.end();
  const serialHex = serialNumberHex(serialNumber);
  return { innerAlgorithm, serialNumber, serialHex, issuer, subject, notBefore, notAfter, publicKey, extensions };
}

/** Reads a serial number leniently: any INTEGER of at least one byte. @throws Asn1Error */
export function readSerialNumber(reader: Asn1Reader): Uint8Array {
  const { content } = reader.read(tag.integer);
  if (content.length === 0 || content.length > maxSerialNumberLength) {
    throw new Asn1Error('bad_value', `a serial number of ${content.length} bytes`);
  }
  return content;
}

/** Content octets of a serial number as upper-case hex, without the zero byte that only keeps it positive. */
export function serialNumberHex(content: Uint8Array): string {
  const significant = content.length > 1 && content[0] === 0 ? content.subarray(1) : content;
  return toHex(significant).toUpperCase();
}

/** Whether `certificate` is signed by this key. Never throws; looks at nothing but the signature. */
export function verifyCertificateSignature(certificate: Certificate, issuerPublicKey: PublicKeyInfo): boolean {
  return verifySignature(certificate.signatureAlgorithm, issuerPublicKey, certificate.tbs, certificate.signature);
}

/** Whether issuer and subject are the same and the certificate is signed by its own key. */
export function isSelfSigned(certificate: Certificate): boolean {
  return (
    namesEqual(certificate.issuer, certificate.subject) &&
    verifyCertificateSignature(certificate, certificate.publicKey)
  );
}

export interface TbsCertificateFields {
  /** Big-endian magnitude. */
  readonly serialNumber: Uint8Array;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly extensions: readonly Extension[];
}

/**
 * Encodes what a CA signs, RFC 5280 4.1.2: version 3, names byte for byte as they are, times in whole seconds.
 *
 * @throws Asn1Error `bad_value` for times outside the years 0 to 9999
 * @example
 * const tbs = encodeTbsCertificate(fields);
 * assembleCertificate(tbs, fields.signatureAlgorithm, signData(privateKey, 'sha256', tbs));
 */
export function encodeTbsCertificate(fields: TbsCertificateFields): Uint8Array {
  return der.sequence(
    der.explicit(0, der.integer(2)),
    der.unsignedInteger(fields.serialNumber),
    fields.signatureAlgorithm.encoded,
    fields.issuer.encoded,
    der.sequence(der.time(fields.notBefore), der.time(fields.notAfter)),
    fields.subject.encoded,
    fields.publicKey,
    ...(fields.extensions.length > 0 ? [der.explicit(3, encodeExtensions(fields.extensions))] : []),
  );
}

/** Puts a signature behind what it signs. @returns the certificate in DER */
export function assembleCertificate(
  tbs: Uint8Array,
  signatureAlgorithm: AlgorithmIdentifier,
  signature: Uint8Array,
): Uint8Array {
  return der.sequence(tbs, signatureAlgorithm.encoded, der.bitString(signature));
}

export interface SelfSignedCertificateOptions {
  readonly subject: Name;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Big-endian magnitude. */
  readonly serialNumber: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly extensions?: readonly Extension[];
  /** Default `sha256`. */
  readonly digest?: DigestName;
}

/**
 * Makes a certificate whose issuer is its subject, as roots and SCEP clients have. @returns DER
 *
 * @throws RangeError when this kind of key cannot sign
 */
export function createSelfSignedCertificate(options: SelfSignedCertificateOptions): Uint8Array {
  const { subject, privateKey, digest: digestName = 'sha256', extensions = [] } = options;
  const signatureAlgorithm = signatureAlgorithmFor(privateKey, digestName);
  const tbs = encodeTbsCertificate({
    serialNumber: options.serialNumber,
    signatureAlgorithm,
    issuer: subject,
    notBefore: options.notBefore,
    notAfter: options.notAfter,
    subject,
    publicKey: publicKeyInfoOf(options.publicKey).encoded,
    extensions,
  });
  return assembleCertificate(tbs, signatureAlgorithm, signData(privateKey, digestName, tbs));
}

/** The digest of a whole certificate as upper-case hex, as Windows and Intune show it. */
export function thumbprint(certificate: Uint8Array, digestName: 'sha1' | 'sha256'): string {
  return toHex(digest(digestName, certificate)).toUpperCase();
}
