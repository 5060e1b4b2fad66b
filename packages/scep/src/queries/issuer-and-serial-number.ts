import { Asn1Reader, der, serialNumberHex, tag } from '@scepter/x509';
import type { Name } from '@scepter/x509';
import { minimalInteger, readIssuerAndSerialNumber } from '../cms/identifier.ts';
import { ScepError, decoding } from '../errors.ts';

// RFC 8894 section 3.3.4, RFC 5652 section 10.2.4
// IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber CertificateSerialNumber }

/** The content of a GetCert or a GetCRL: one certificate, by its issuer's name and its number. */
export interface IssuerAndSerialNumber {
  issuer: Name;
  /** The content octets of the INTEGER, two's complement, as in `Certificate.serialNumber`. */
  serialNumber: Uint8Array;
}

/** As decoded: also the number as people and databases write it. */
export interface CertificateQuery extends IssuerAndSerialNumber {
  /** Upper-case hex, in the form of `Certificate.serialHex`. */
  serialHex: string;
}

// As in a certificate: RFC 5280 allows 20 bytes, old clients number their own certificates with 32.
const maximumSerialNumberBytes = 128;

/**
 * Encodes the content of a GetCert or a GetCRL, in DER. A decoded certificate will do for both fields.
 *
 * @throws ScepError `scep.bad_argument` for a serial number without bytes, or of more than 128
 * @example
 * const content = encodeIssuerAndSerialNumber(certificate);
 */
export const encodeIssuerAndSerialNumber = ({ issuer, serialNumber }: IssuerAndSerialNumber): Uint8Array => {
  if (serialNumber.length === 0 || serialNumber.length > maximumSerialNumberBytes) {
    throw new ScepError('scep.bad_argument', 'a serial number has 1 to 128 bytes');
  }
  // Not unsignedInteger: foreign serial numbers may be negative, and are copied as they are.
  const integer = der.octetString(minimalInteger(serialNumber));
  integer[0] = tag.integer;
  return der.sequence(issuer.encoded, integer);
};

/**
 * Decodes the content of a GetCert or a GetCRL, DER or BER.
 *
 * @param bytes - what was in the envelope, and nothing else
 * @throws ScepError `scep.undecodable_query`
 * @example
 * const query = decodeIssuerAndSerialNumber(openEnvelope(envelope, registrationAuthority, randomBytes).content);
 * const found = namesEqual(query.issuer, ca.subject) ? store.findCertificate(query.serialHex) : undefined;
 */
export const decodeIssuerAndSerialNumber = (bytes: Uint8Array): CertificateQuery =>
  decoding('scep.undecodable_query', 'the IssuerAndSerialNumber', () => {
    const outer = Asn1Reader.of(bytes, { rules: 'ber' });
    const query = readIssuerAndSerialNumber(outer.sequence());
    outer.end();
    if (query.serialNumber.length > maximumSerialNumberBytes) {
      throw new ScepError('scep.undecodable_query', 'the serial number is too long');
    }
    const serialNumber = minimalInteger(query.serialNumber);
    return { issuer: query.issuer, serialNumber, serialHex: serialNumberHex(serialNumber) };
  });
