import { decodeCertificate } from '@scepter/x509';
import type { Certificate, DigestName } from '@scepter/x509';
import { floorAllows } from './algorithms.ts';
import { findNextCa } from './ca-certificates.ts';
import type { NextCaCertificates } from './ca-certificates.ts';
import { decodeCertsOnly, encodeCertsOnly } from './cms/certs-only.ts';
import { decodeSignedData, encodeSignedData } from './cms/signed-data.ts';
import type { SignedData } from './cms/signed-data.ts';
import { verifySignerInfo } from './cms/signer-info.ts';
import type { Signer } from './cms/signer-info.ts';
import { ScepError, decoding } from './errors.ts';

// RFC 8894 section 4.7.1: SignedData by the current CA, whose content is a degenerate certificates-only SignedData with
// the next CA certificates. The content type is data: the clients that exist unwrap it with OpenSSL's PKCS7_verify.

/** The media type of an answer to GetNextCACert (RFC 8894 section 4.7.1). */
export const nextCaCertificatesType = 'application/x-x509-next-ca-cert';

/**
 * Makes the answer to GetNextCACert, in DER.
 *
 * @param options - `certificates`: DER, the next CA's own, then those it needs besides, such as its RA's and its chain;
 *   `signer`: the current CA itself, since its certificate is what clients trust already
 * @throws ScepError `scep.bad_argument` when there is no certificate, or the signer's key cannot sign with this digest
 * @example
 * const body = createNextCaCertificates({ certificates: [next.certificate], digest: 'sha256', signer: currentCa });
 */
export const createNextCaCertificates = (options: {
  certificates: readonly Uint8Array[];
  digest: DigestName;
  signer: Signer;
}): Uint8Array => {
  const { certificates, digest, signer } = options;
  if (certificates.length === 0) throw new ScepError('scep.bad_argument', 'there is no next CA certificate');
  return encodeSignedData({
    content: encodeCertsOnly(certificates),
    attributes: [],
    digest,
    signer,
    framing: 'der',
  });
};

/** By the CA's key, whatever certificates came along: they may be anyone's. */
const isSignedBy = (signedData: SignedData, ca: Certificate): boolean => {
  const [signerInfo, ...more] = signedData.signerInfos;
  const { content, contentType } = signedData;
  if (signerInfo === undefined || more.length > 0 || content === undefined) return false;
  // All future trust hangs on this one signature.
  if (!floorAllows('modern', { digest: signerInfo.digest })) return false;
  return verifySignerInfo(signerInfo, { contentType, content, certificate: ca });
};

/**
 * Reads the answer to GetNextCACert, and believes it only when the current CA signed it (RFC 8894 section 4.7.1: clients
 * MUST validate the signature before trusting any of its contents).
 *
 * @param body - the body of the HTTP answer
 * @param ca - the current CA, trusted already
 * @throws ScepError `scep.ca_certificates` when it does not decode or holds no CA certificate, `scep.reply_signature` when
 *   the current CA did not sign it, or did so over MD5 or SHA-1
 * @example
 * const { ca: next } = readNextCaCertificates(body, current.ca);
 */
export const readNextCaCertificates = (body: Uint8Array, ca: Certificate): NextCaCertificates => {
  const signedData = decoding('scep.ca_certificates', 'the answer to GetNextCACert', () => decodeSignedData(body));
  if (!isSignedBy(signedData, ca)) {
    throw new ScepError('scep.reply_signature', 'the next CA certificates are not signed by the current CA');
  }
  return decoding('scep.ca_certificates', 'the answer to GetNextCACert', () => {
    const { certificates } = decodeCertsOnly(signedData.content ?? new Uint8Array());
    return findNextCa(certificates.map((encoded) => decodeCertificate(encoded, { rules: 'ber' })));
  });
};
