import { decodeCertificate, equalBytes } from '@scepter/x509';
import type { Certificate, DigestName } from '@scepter/x509';
import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { ContentCipher } from './algorithms.ts';
import {
  encodeMessageAttributes,
  encodeReplyAttributes,
  readFailInfo,
  readFailInfoText,
  readPkiStatus,
  readRecipientNonce,
} from './attributes.ts';
import type { FailInfo } from './attributes.ts';
import { decodeCertsOnly, encodeCertsOnly } from './cms/certs-only.ts';
import { decodeEnvelope, encodeEnvelope, openEnvelope, openEnvelopeWithPassword } from './cms/enveloped-data.ts';
import type { Envelope, Recipient } from './cms/enveloped-data.ts';
import type { EnvelopeRecipient } from './cms/recipient-info.ts';
import { encodeSignedData } from './cms/signed-data.ts';
import type { Signer } from './cms/signer-info.ts';
import { ScepError, decoding } from './errors.ts';
import { decodeMessage, verifyPkiMessage } from './message.ts';
import type { PkiMessage } from './message.ts';

// RFC 8894 section 3.3.2

/** What a server answers. */
export type CertRepOutcome =
  | {
      status: 'success';
      /** DER, the issued certificate first. */
      certificates: Uint8Array[];
      /** DER; the answer to GetCRL. */
      crls?: Uint8Array[];
      /**
       * Whoever signed the request: its certificate with the request's own key transport, or, when its key cannot
       * encrypt, the challenge password (RFC 8894 section 3.1).
       */
      recipient: EnvelopeRecipient;
      /** As in the request: a client may read nothing else. */
      contentCipher: ContentCipher;
    }
  | { status: 'failure'; failInfo: FailInfo; failInfoText?: string }
  | { status: 'pending' };

export interface CertRepOptions {
  outcome: CertRepOutcome;
  /** The request's. */
  transactionId: string;
  /** The request's senderNonce, if it had one. */
  recipientNonce: Uint8Array | undefined;
  /** As in the request. */
  digest: DigestName;
  signer: Signer;
  randomBytes: (size: number) => Uint8Array;
}

/** RFC 8894 section 3.2.1.5. */
export const nonceBytes = 16;

const replyAttributes = (outcome: CertRepOutcome, recipientNonce: Uint8Array | undefined): Uint8Array[] => {
  if (outcome.status !== 'failure') return encodeReplyAttributes({ pkiStatus: outcome.status, recipientNonce });
  const { failInfo, failInfoText } = outcome;
  return encodeReplyAttributes({
    pkiStatus: 'failure',
    recipientNonce,
    failInfo,
    ...(failInfoText === undefined ? {} : { failInfoText }),
  });
};

/** Only a success has an envelope (RFC 8894 sections 3.3.2.2 and 3.3.2.3). */
const replyContent = (outcome: CertRepOutcome, randomBytes: (size: number) => Uint8Array): Uint8Array | undefined => {
  if (outcome.status !== 'success') return undefined;
  return encodeEnvelope({
    content: encodeCertsOnly(outcome.certificates, outcome.crls),
    recipients: [outcome.recipient],
    contentCipher: outcome.contentCipher,
    framing: 'der',
    randomBytes,
  });
};

/**
 * Makes a CertRep, in DER, under a fresh senderNonce: make a new one for every answer, also to the same request, because
 * clients refuse a repeated nonce.
 *
 * @throws ScepError `scep.bad_argument` when the recipient's key cannot encrypt (see `canEnvelopeFor`), its password is too
 *   short (see `canEnvelopeUnder`), or the signer's key cannot sign with this digest
 * @example
 * createCertRep({
 *   outcome: { status: 'failure', failInfo: 'badRequest' },
 *   transactionId: message.transactionId, recipientNonce: message.senderNonce, digest: 'sha256',
 *   signer: registrationAuthority, randomBytes,
 * });
 */
export const createCertRep = (options: CertRepOptions): Uint8Array => {
  const { digest, outcome, randomBytes, signer, transactionId } = options;
  const senderNonce = randomBytes(nonceBytes);
  return encodeSignedData({
    content: replyContent(outcome, randomBytes),
    attributes: [
      ...encodeMessageAttributes({ messageType: 'CertRep', transactionId, senderNonce }),
      ...replyAttributes(outcome, options.recipientNonce),
    ],
    digest,
    signer,
    framing: 'der',
  });
};

/** What a client got. */
export type CertRep =
  | { status: 'success'; certificates: Certificate[]; crls: Uint8Array[] }
  | { status: 'failure'; failInfo: FailInfo; failInfoText?: string }
  | { status: 'pending' };

export interface ReadCertRepOptions {
  /** The signer of the request, or the request's challenge password when that signer's key cannot decrypt. */
  recipient: Recipient | { password: string };
  /** Whose signature is acceptable: the RA and CA certificates of GetCACert. */
  signers: Certificate[];
  /** The request's. */
  transactionId: string;
  /** The request's. */
  senderNonce: Uint8Array;
  /** Default: the system's secure source. */
  randomBytes?: (size: number) => Uint8Array;
}

/** A reissued RA certificate for the same key is still the same signer. */
const isAcceptable = (signer: Certificate, acceptable: readonly Certificate[]): boolean =>
  acceptable.some(
    (certificate) =>
      equalBytes(certificate.encoded, signer.encoded) ||
      equalBytes(certificate.publicKey.encoded, signer.publicKey.encoded),
  );

const checkReply = (reply: PkiMessage, options: ReadCertRepOptions): void => {
  if (!isAcceptable(reply.signer, options.signers)) {
    throw new ScepError('scep.reply_signer', 'the reply is signed by a certificate that GetCACert did not give');
  }
  if (!verifyPkiMessage(reply)) throw new ScepError('scep.reply_signature', "the reply's signature does not verify");
  if (reply.messageType !== 'CertRep') throw new ScepError('scep.reply_message_type', 'the reply is not a CertRep');
  if (reply.transactionId !== options.transactionId) {
    throw new ScepError('scep.reply_transaction', 'the reply belongs to another transaction');
  }
  const recipientNonce = decoding('scep.bad_reply', 'the reply', () => readRecipientNonce(reply.signerInfo.attributes));
  if (recipientNonce === undefined || !equalBytes(recipientNonce, options.senderNonce)) {
    throw new ScepError('scep.reply_nonce', 'the reply does not answer this request');
  }
};

const openFor = (envelope: Envelope, options: ReadCertRepOptions): Uint8Array => {
  const { randomBytes = systemRandomBytes, recipient } = options;
  return 'password' in recipient
    ? openEnvelopeWithPassword(envelope, recipient.password, randomBytes)
    : openEnvelope(envelope, recipient, randomBytes).content;
};

const openReply = (reply: PkiMessage, options: ReadCertRepOptions): CertRep => {
  const { content } = reply;
  return decoding('scep.reply_envelope', "the reply's envelope", () => {
    if (content === undefined) throw new ScepError('scep.reply_envelope', 'a successful reply has no envelope');
    const { certificates, crls } = decodeCertsOnly(openFor(decodeEnvelope(content), options));
    return {
      status: 'success',
      certificates: certificates.map((encoded) => decodeCertificate(encoded, { rules: 'ber' })),
      crls,
    };
  });
};

const readFailure = (reply: PkiMessage): CertRep => {
  const { attributes } = reply.signerInfo;
  const failInfo = readFailInfo(attributes);
  if (failInfo === undefined) throw new ScepError('scep.bad_reply', 'the reply has an unknown failInfo');
  const failInfoText = readFailInfoText(attributes);
  return { status: 'failure', failInfo, ...(failInfoText === undefined ? {} : { failInfoText }) };
};

/**
 * Reads and checks the answer to a request: an acceptable signer, a valid signature, the same transaction, the request's
 * nonce. Only then is the status looked at, and the envelope of a success opened.
 *
 * @param bytes - the body of the HTTP answer
 * @throws ScepError `scep.bad_reply`, `scep.reply_signer`, `scep.reply_signature`, `scep.reply_message_type`,
 *   `scep.reply_transaction`, `scep.reply_nonce` or `scep.reply_envelope`
 * @example
 * const reply = readCertRep(body, { recipient: device, signers, transactionId, senderNonce, randomBytes });
 * if (reply.status === 'success') install(reply.certificates[0]);
 */
export const readCertRep = (bytes: Uint8Array, options: ReadCertRepOptions): CertRep => {
  const reply = decoding('scep.bad_reply', 'the reply', () => decodeMessage(bytes, options.signers));
  checkReply(reply, options);
  const status = decoding('scep.bad_reply', 'the reply', () => readPkiStatus(reply.signerInfo.attributes));
  switch (status) {
    case 'success':
      return openReply(reply, options);
    case 'failure':
      return decoding('scep.bad_reply', 'the reply', () => readFailure(reply));
    case 'pending':
      return { status: 'pending' };
    case undefined:
      throw new ScepError('scep.bad_reply', 'the reply has an unknown pkiStatus');
    default:
      return status satisfies never;
  }
};
