import { decodeCertificate } from '@scepter/x509';
import type { Certificate, DigestName } from '@scepter/x509';
import { messageTypeOf, readMessageTypes, readSenderNonce, readTransactionId } from './attributes.ts';
import type { MessageType } from './attributes.ts';
import { identifies } from './cms/identifier.ts';
import type { CertificateIdentifier } from './cms/identifier.ts';
import { decodeSignedData } from './cms/signed-data.ts';
import type { SignedData } from './cms/signed-data.ts';
import { verifySignerInfo } from './cms/signer-info.ts';
import type { SignerInfo } from './cms/signer-info.ts';
import { ScepError, decoding } from './errors.ts';

// RFC 8894 section 3: a pkiMessage is SignedData whose content is the pkcsPKIEnvelope and whose signed attributes say
// what the message is.

/** A decoded pkiMessage. Nothing in it is verified: see `verifyPkiMessage`. */
export interface PkiMessage {
  /** Every messageType value as sent, for the record. */
  messageTypes: string[];
  /** Defined only when the message has exactly one messageType and it is known. */
  messageType: MessageType | undefined;
  /** 1 to 256 characters. It comes from the network: escape it before showing it. */
  transactionId: string;
  /** At most 64 bytes. */
  senderNonce: Uint8Array | undefined;
  /** The embedded certificate that the signer's identifier names. */
  signer: Certificate;
  /** `undefined` for a digest this package does not know: answer badAlg. */
  digest: DigestName | undefined;
  /** The pkcsPKIEnvelope, for `decodeEnvelope`. */
  content: Uint8Array | undefined;
  /** For verification. */
  signedData: SignedData;
  /** For verification: the first signer, the only one in a valid message. */
  signerInfo: SignerInfo;
}

const decodeSignerCandidate = (encoded: Uint8Array): Certificate | undefined => {
  try {
    return decodeCertificate(encoded, { rules: 'ber' });
  } catch {
    return undefined;
  }
};

/** A certificate that does not decode may be a stray one; the signer's own has to. */
const findSigner = (
  identifier: CertificateIdentifier,
  embedded: readonly Uint8Array[],
  known: readonly Certificate[],
): Certificate | undefined => {
  for (const encoded of embedded) {
    const certificate = decodeSignerCandidate(encoded);
    if (certificate !== undefined && identifies(identifier, certificate)) return certificate;
  }
  return known.find((certificate) => identifies(identifier, certificate));
};

/** As `decodePkiMessage`; `known` certificates serve where a sender does not embed its own. */
export const decodeMessage = (bytes: Uint8Array, known: readonly Certificate[]): PkiMessage =>
  decoding('scep.undecodable', 'the message', () => {
    const signedData = decodeSignedData(bytes);
    const [signerInfo] = signedData.signerInfos;
    if (signerInfo === undefined) throw new ScepError('scep.undecodable', 'the message is not signed');
    const signer = findSigner(signerInfo.identifier, signedData.certificates, known);
    if (signer === undefined) throw new ScepError('scep.undecodable', "the signer's certificate is missing");
    const messageTypes = readMessageTypes(signerInfo.attributes);
    return {
      messageTypes,
      messageType: messageTypeOf(messageTypes),
      transactionId: readTransactionId(signerInfo.attributes),
      senderNonce: readSenderNonce(signerInfo.attributes),
      signer,
      digest: signerInfo.digest,
      content: signedData.content,
      signedData,
      signerInfo,
    };
  });

/**
 * Decodes a pkiMessage, DER or BER, and bounds all of its parts. What can be answered decodes, also when it is going to be
 * refused: an unknown message type or digest is `undefined` in the result.
 *
 * @param bytes - the body of a PKIOperation
 * @throws ScepError `scep.undecodable` when no reply could be addressed: the bytes are no SignedData, nobody signed,
 *   the signer's certificate or the transactionID is missing, or a part exceeds its bound
 * @example
 * const message = decodePkiMessage(body);
 * if (!verifyPkiMessage(message)) return refuse(message, 'badMessageCheck');
 */
export const decodePkiMessage = (bytes: Uint8Array): PkiMessage => decodeMessage(bytes, []);

/**
 * Verifies a message's signature with the certificate inside it: exactly one signer, the attributes contentType and
 * messageDigest fit the content, and the signature covers the attributes as received. This shows who made the message and
 * nothing about whether that certificate is to be trusted: anyone can sign with a self-made one.
 *
 * @returns false on anything wrong, also for an unknown digest or signature algorithm
 */
export const verifyPkiMessage = (message: PkiMessage): boolean =>
  message.signedData.signerInfos.length === 1 &&
  verifySignerInfo(message.signerInfo, {
    contentType: message.signedData.contentType,
    content: message.content ?? new Uint8Array(),
    certificate: message.signer,
  });
