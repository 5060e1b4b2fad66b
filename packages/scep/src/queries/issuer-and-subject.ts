import { Asn1Reader, der, readName } from '@scepter/x509';
import type { Name } from '@scepter/x509';
import { decoding } from '../errors.ts';

// RFC 8894 section 3.3.3
// IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name }

/**
 * The content of a CertPoll. Both names are redundant: a server finds the transaction by its transactionID and the key
 * that signed (RFC 8894 section 3.3.3).
 */
export interface IssuerAndSubject {
  /** The subject of the CA. */
  issuer: Name;
  /** The subject of the request that is being polled for. */
  subject: Name;
}

/** Encodes the content of a CertPoll, in DER, with the names byte for byte as they are. */
export const encodeIssuerAndSubject = ({ issuer, subject }: IssuerAndSubject): Uint8Array =>
  der.sequence(issuer.encoded, subject.encoded);

/**
 * Decodes the content of a CertPoll, DER or BER.
 *
 * @param bytes - what was in the envelope, and nothing else
 * @throws ScepError `scep.undecodable_query`
 * @example
 * const { subject } = decodeIssuerAndSubject(openEnvelope(envelope, registrationAuthority, randomBytes).content);
 */
export const decodeIssuerAndSubject = (bytes: Uint8Array): IssuerAndSubject =>
  decoding('scep.undecodable_query', 'the IssuerAndSubject', () => {
    const outer = Asn1Reader.of(bytes, { rules: 'ber' });
    const sequence = outer.sequence();
    outer.end();
    const issuer = readName(sequence);
    const subject = readName(sequence);
    sequence.end();
    return { issuer, subject };
  });
