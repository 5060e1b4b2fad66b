import { readSigned } from './signed.ts';
import type { AlgorithmIdentifier } from './algorithm-identifier.ts';
import { readAlgorithmIdentifier } from './algorithm-identifier.ts';
import { der } from './asn1/der.ts';
import { Asn1Error } from './asn1/errors.ts';
import { Asn1Reader } from './asn1/reader.ts';
import { tag } from './asn1/tags.ts';
import { equalBytes } from './bytes.ts';
import { readSerialNumber } from './certificate.ts';
import {
  authorityKeyIdentifierExtension,
  decodeAuthorityKeyIdentifier,
} from './extensions/authority-key-identifier.ts';
import { decodeCrlNumber, encodeCrlNumber } from './extensions/crl-number.ts';
import type { Extension } from './extensions/extension.ts';
import { encodeExtensions, findExtension, readExtensions } from './extensions/extension.ts';
import type { RevocationReason } from './extensions/reason-code.ts';
import { decodeReasonCode, encodeReasonCode } from './extensions/reason-code.ts';
import type { Name } from './name.ts';
import { readName } from './name.ts';
import { oid } from './object-identifiers.ts';

// CertificateList, RFC 5280 5.1: SEQUENCE { tbsCertList, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
//   TBSCertList ::= SEQUENCE { version INTEGER (1) OPTIONAL, signature AlgorithmIdentifier, issuer Name,
//     thisUpdate Time, nextUpdate Time OPTIONAL, revokedCertificates SEQUENCE OF RevokedCertificate OPTIONAL,
//     [0] EXPLICIT crlExtensions OPTIONAL }
//   RevokedCertificate ::= SEQUENCE { userCertificate INTEGER, revocationDate Time, crlEntryExtensions OPTIONAL }

export interface RevokedCertificate {
  /** Encoding takes a big-endian magnitude; decoding gives the content octets as received. */
  readonly serialNumber: Uint8Array;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

export interface CertificateList {
  /** The whole list, exactly as received. */
  readonly encoded: Uint8Array;
  /** The part that is signed. */
  readonly tbs: Uint8Array;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly crlNumber: bigint | undefined;
  readonly authorityKeyIdentifier: Uint8Array | undefined;
  readonly revoked: readonly RevokedCertificate[];
  readonly extensions: readonly Extension[];
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/**
 * Decodes a CRL of version 1 or 2. Verify it with `verifySignature(crl.signatureAlgorithm, key, crl.tbs, crl.signature)`.
 *
 * @param encoded DER; the caller bounds its size, which bounds the work
 * @throws Asn1Error
 */
export function decodeCertificateList(encoded: Uint8Array): CertificateList {
  // Lists are long by nature. An element has at least two bytes, some are read twice.
  const signed = readSigned(Asn1Reader.of(encoded, { maxElements: encoded.length }));
  const { toBeSigned, signatureAlgorithm, signature } = signed;
  const { innerAlgorithm, ...contents } = readTbs(toBeSigned.children());
  if (!equalBytes(innerAlgorithm.encoded, signatureAlgorithm.encoded)) {
    throw new Asn1Error('bad_value', 'two different signature algorithms in one certificate list');
  }
  return { encoded: signed.encoded, tbs: toBeSigned.encoded, ...contents, signatureAlgorithm, signature };
}

type TbsContents = Omit<CertificateList, 'encoded' | 'tbs' | 'signatureAlgorithm' | 'signature'>;

function readTbs(fields: Asn1Reader): TbsContents & { innerAlgorithm: AlgorithmIdentifier } {
  if (fields.peekTag() === tag.integer && fields.smallInteger() !== 1) {
    throw new Asn1Error('bad_value', 'a certificate list of an unknown version');
  }
  const innerAlgorithm = readAlgorithmIdentifier(fields);
  const issuer = readName(fields);
  const thisUpdate = fields.time();
  const hasNextUpdate = fields.peekTag() === tag.utcTime || fields.peekTag() === tag.generalizedTime;
  const nextUpdate = hasNextUpdate ? fields.time() : undefined;
  const revoked = readRevoked(fields.optionalConstructed(tag.sequence));
  const extensionsField = fields.optionalConstructed(tag.contextConstructed(0));
  const extensions = extensionsField === undefined ? [] : readExtensions(extensionsField);
  extensionsField?.end();
  fields.end();
  const number = findExtension(extensions, oid.crlNumber);
  const authority = findExtension(extensions, oid.authorityKeyIdentifier);
  const crlNumber = number === undefined ? undefined : decodeCrlNumber(number.value);
  const authorityKeyIdentifier = authority === undefined ? undefined : decodeAuthorityKeyIdentifier(authority.value);
  return { innerAlgorithm, issuer, thisUpdate, nextUpdate, crlNumber, authorityKeyIdentifier, revoked, extensions };
}

function readRevoked(list: Asn1Reader | undefined): RevokedCertificate[] {
  if (list === undefined) return [];
  const revoked: RevokedCertificate[] = [];
  while (!list.atEnd()) {
    const entry = list.sequence();
    const serialNumber = readSerialNumber(entry);
    const revokedAt = entry.time();
    const extensions = entry.atEnd() ? [] : readExtensions(entry);
    entry.end();
    const reason = findExtension(extensions, oid.reasonCode);
    revoked.push({
      serialNumber,
      revokedAt,
      reason: reason === undefined ? 'unspecified' : decodeReasonCode(reason.value),
    });
  }
  return revoked;
}

export interface TbsCertificateListFields {
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly crlNumber: bigint;
  /** The subject key identifier of the issuer. */
  readonly authorityKeyIdentifier: Uint8Array;
  readonly revoked: readonly RevokedCertificate[];
}

/** Encodes a CRL of version 2 up to its signature. @throws Asn1Error */
export function encodeTbsCertificateList(fields: TbsCertificateListFields): Uint8Array {
  const extensions: Extension[] = [
    authorityKeyIdentifierExtension(fields.authorityKeyIdentifier),
    { oid: oid.crlNumber, critical: false, value: encodeCrlNumber(fields.crlNumber) },
  ];
  return der.sequence(
    der.integer(1),
    fields.signatureAlgorithm.encoded,
    fields.issuer.encoded,
    der.time(fields.thisUpdate),
    der.time(fields.nextUpdate),
    // RFC 5280, 5.1.2.6: absent, not empty, when nothing is revoked.
    ...(fields.revoked.length > 0 ? [der.sequenceOf(fields.revoked.map(encodeRevoked))] : []),
    der.explicit(0, encodeExtensions(extensions)),
  );
}

function encodeRevoked({ serialNumber, revokedAt, reason }: RevokedCertificate): Uint8Array {
  const parts = [der.unsignedInteger(serialNumber), der.time(revokedAt)];
  // RFC 5280, 5.3.1: an unspecified reason is left out.
  if (reason !== 'unspecified') {
    parts.push(encodeExtensions([{ oid: oid.reasonCode, critical: false, value: encodeReasonCode(reason) }]));
  }
  return der.sequence(...parts);
}

/** Puts a signature behind what it signs. @returns the CRL in DER */
export function assembleCertificateList(
  tbs: Uint8Array,
  signatureAlgorithm: AlgorithmIdentifier,
  signature: Uint8Array,
): Uint8Array {
  return der.sequence(tbs, signatureAlgorithm.encoded, der.bitString(signature));
}
