/** What CertPoll, GetCert and GetCRL put into their envelopes (RFC 8894 sections 3.3.3 and 3.3.4). */
import { der } from '@scepter/x509';
import type { Certificate, Name } from '@scepter/x509';
import { issuerAndSerial } from './message-builder.ts';

/** CertPoll: IssuerAndSubject ::= SEQUENCE { issuer Name, subject Name }. */
export const issuerAndSubject = (issuer: Name, subject: Name): Uint8Array =>
  der.sequence(issuer.encoded, subject.encoded);

/** GetCert and GetCRL: IssuerAndSerialNumber of the certificate in question. */
export const certificateInQuestion = (certificate: Certificate): Uint8Array => issuerAndSerial(certificate);

/** The same for a serial number that was never given. */
export const unknownCertificate = (issuer: Name): Uint8Array =>
  der.sequence(issuer.encoded, der.integer(0x0123_4567_89ab));
