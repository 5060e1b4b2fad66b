import { decodeCertificateList, equalBytes, namesEqual, verifySignature } from '@scepter/x509';
import type { Certificate, CertificateList, CertificationRequest, Name } from '@scepter/x509';
import type { CertRep, ReadCertRepOptions } from '../cert-rep.ts';
import { identifies } from '../cms/identifier.ts';
import { canEnvelopeUnder } from '../cms/password-recipient-info.ts';
import { canEnvelopeFor } from '../cms/recipient-info.ts';
import { ScepError, decoding } from '../errors.ts';
import type { IssuerAndSerialNumber } from '../queries/issuer-and-serial-number.ts';
import type { DeviceIdentity } from './options.ts';

// Whether a reply that is authentic also answers the question.

/**
 * What opens the answer. Known before anything is sent, as a one-time challenge would be used up by an answer that nobody
 * can read.
 */
export const openerFor = (
  { privateKey, signerCertificate }: DeviceIdentity,
  challengePassword?: string,
): ReadCertRepOptions['recipient'] => {
  if (canEnvelopeFor(signerCertificate)) return { certificate: signerCertificate, privateKey };
  if (canEnvelopeUnder(challengePassword)) return { password: challengePassword };
  throw new ScepError(
    'scep.bad_argument',
    'the answer could not be encrypted: the key is not RSA, and no challenge of 16 characters or more is given',
  );
};

/** The order of a SET OF means nothing, so what was asked for is looked for. */
const certificateFirst = (
  reply: CertRep,
  isWanted: (certificate: Certificate) => boolean,
  complaint: string,
): CertRep => {
  if (reply.status !== 'success') return reply;
  const wanted = reply.certificates.filter((certificate) => isWanted(certificate));
  if (wanted.length === 0) throw new ScepError('scep.reply_certificate', complaint);
  return { ...reply, certificates: [...wanted, ...reply.certificates.filter((other) => !isWanted(other))] };
};

/** @throws ScepError `scep.reply_certificate` */
export const withOwnCertificateFirst = (reply: CertRep, csr: CertificationRequest): CertRep =>
  certificateFirst(
    reply,
    ({ publicKey }) => equalBytes(publicKey.encoded, csr.publicKey.encoded),
    'the reply has no certificate for the requested key',
  );

/** @throws ScepError `scep.reply_certificate` */
export const withQueriedCertificateFirst = (reply: CertRep, queried: IssuerAndSerialNumber): CertRep => {
  const { issuer, serialNumber } = queried;
  return certificateFirst(
    reply,
    (certificate) => identifies({ kind: 'issuerAndSerial', issuer, serialNumber }, certificate),
    'the reply does not have the certificate that was asked for',
  );
};

/**
 * The list for certificates of `issuer`, signed by one of the server's CA certificates of that name.
 *
 * @throws ScepError `scep.reply_crl`
 */
export const crlOf = (
  crls: readonly Uint8Array[],
  issuer: Name,
  authorities: readonly Certificate[],
): CertificateList => {
  const found = decoding('scep.reply_crl', 'the CRL', () => crls.map((encoded) => decodeCertificateList(encoded)));
  const signers = authorities.filter(({ subject }) => namesEqual(subject, issuer));
  const isWanted = (crl: CertificateList): boolean =>
    namesEqual(crl.issuer, issuer) &&
    signers.some(({ publicKey }) => verifySignature(crl.signatureAlgorithm, publicKey, crl.tbs, crl.signature));
  const crl = found.find((candidate) => isWanted(candidate));
  if (crl === undefined) throw new ScepError('scep.reply_crl', 'the reply has no CRL that the CA signed');
  return crl;
};
