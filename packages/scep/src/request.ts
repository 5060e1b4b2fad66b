import { digest as digestOfBytes, toHex } from '@scepter/x509';
import type { Certificate, DigestName } from '@scepter/x509';
import type { ContentCipher, KeyTransport } from './algorithms.ts';
import { encodeMessageAttributes } from './attributes.ts';
import type { MessageType } from './attributes.ts';
import { encodeEnvelope } from './cms/enveloped-data.ts';
import type { FramingName } from './cms/framing.ts';
import { encodeSignedData } from './cms/signed-data.ts';
import type { Signer } from './cms/signer-info.ts';

/** The messages a device sends. */
export type RequestMessageType = Exclude<MessageType, 'CertRep'>;

export interface PkiRequestOptions {
  messageType: RequestMessageType;
  /** What goes into the envelope (RFC 8894 section 3.3): a PKCS#10 request, an IssuerAndSubject, an IssuerAndSerialNumber. */
  content: Uint8Array;
  transactionId: string;
  /** 16 bytes, fresh for every message. */
  senderNonce: Uint8Array;
  /** Certificates with RSA keys; usually the RA's alone. */
  recipients: Certificate[];
  contentCipher: ContentCipher;
  keyTransport: KeyTransport;
  digest: DigestName;
  /**
   * A self-signed certificate over the requested key, or for a renewal the certificate to be renewed. RSA, or EC on P-256,
   * P-384 or P-521; nothing can be encrypted to an EC key, so its answer comes under the challenge password.
   */
  signer: Signer;
  /** `ber`: indefinite lengths and chunked octet strings, as Apple's and BouncyCastle's encoders write. Default `der`. */
  framing?: FramingName;
  randomBytes: (size: number) => Uint8Array;
}

/**
 * Makes a pkiMessage as a device sends it.
 *
 * @throws ScepError `scep.bad_argument` when a recipient's key cannot encrypt, or the signer's cannot sign with this digest
 * @example
 * const body = createPkiRequest({
 *   messageType: 'PKCSReq', content: csr, transactionId: transactionIdOf(spki), senderNonce: randomBytes(16),
 *   recipients: [registrationAuthority], contentCipher: 'aes-128-cbc', keyTransport: { kind: 'pkcs1' },
 *   digest: 'sha256', signer: device, randomBytes,
 * });
 */
export const createPkiRequest = (options: PkiRequestOptions): Uint8Array => {
  const { digest, framing = 'der', messageType, senderNonce, signer, transactionId } = options;
  const { keyTransport } = options;
  const content = encodeEnvelope({
    content: options.content,
    recipients: options.recipients.map((certificate) => ({ kind: 'certificate', certificate, keyTransport })),
    contentCipher: options.contentCipher,
    framing,
    randomBytes: options.randomBytes,
  });
  const attributes = encodeMessageAttributes({ messageType, transactionId, senderNonce });
  return encodeSignedData({ content, attributes, digest, signer, framing });
};

/**
 * A transactionID that stays the same for the same key, so that a repeated request is recognised (RFC 8894
 * section 3.2.1.1): upper-case hex of the SHA-256 of the SubjectPublicKeyInfo.
 */
export const transactionIdOf = (subjectPublicKeyInfo: Uint8Array): string =>
  toHex(digestOfBytes('sha256', subjectPublicKeyInfo)).toUpperCase();
