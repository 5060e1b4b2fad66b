import { Asn1Reader, der, encodeAlgorithmIdentifier, readAlgorithmIdentifier, tag } from '@scepter/x509';
import type { AlgorithmIdentifier, Certificate } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';
import { cipherOf, ciphers } from '../algorithms.ts';
import type { ContentCipher, KeyTransport } from '../algorithms.ts';
import { ScepError, decoding } from '../errors.ts';
import { cmsOid } from '../object-identifiers.ts';
import { decryptContent, encryptContent } from './content-encryption.ts';
import { encodeContentInfo, readContentInfo } from './content-info.ts';
import { framings } from './framing.ts';
import type { FramingName } from './framing.ts';
import { identifies } from './identifier.ts';
import { unwrapContentKey } from './key-transport.ts';
import { unwrapPasswordRecipient } from './password-recipient-info.ts';
import { encodeRecipientInfo, readRecipientInfos } from './recipient-info.ts';
import type { EnvelopeRecipient, Recipients } from './recipient-info.ts';

// RFC 5652 section 6.1
// EnvelopedData ::= SEQUENCE {
//   version CMSVersion,
//   originatorInfo [0] IMPLICIT OriginatorInfo OPTIONAL,
//   recipientInfos RecipientInfos,                        -- SET
//   encryptedContentInfo EncryptedContentInfo,
//   unprotectedAttrs [1] IMPLICIT UnprotectedAttributes OPTIONAL }
// EncryptedContentInfo ::= SEQUENCE {
//   contentType ContentType,
//   contentEncryptionAlgorithm ContentEncryptionAlgorithmIdentifier,
//   encryptedContent [0] IMPLICIT EncryptedContent OPTIONAL }  -- OCTET STRING

/** A decoded, still encrypted pkcsPKIEnvelope. */
export interface Envelope extends Recipients {
  /** `undefined` for a cipher this package does not know: answer badAlg. */
  contentCipher: ContentCipher | undefined;
  /** Empty when the cipher is unknown. */
  iv: Uint8Array;
  encryptedContent: Uint8Array;
}

export interface OpenedEnvelope {
  /** What the sender encrypted, or random bytes when anything did not fit. */
  content: Uint8Array;
  /** How the sender encrypted the key, for the reply to do likewise. */
  keyTransport: KeyTransport;
}

/** Who opens envelopes: an RSA key and the certificate that senders know it by. */
export interface Recipient {
  certificate: Certificate;
  privateKey: KeyObject;
}

// A reply may carry a CRL, with some forty bytes for each revoked certificate; a request is a few kilobytes.
const maximumEncryptedBytes = 8 * 1024 * 1024;

const readInitializationVector = (algorithm: AlgorithmIdentifier, blockBytes: number): Uint8Array => {
  if (algorithm.parameters === undefined) {
    throw new ScepError('scep.undecodable_envelope', 'the cipher has no initialization vector');
  }
  const iv = Asn1Reader.of(algorithm.parameters, { rules: 'ber' }).octetString();
  if (iv.length !== blockBytes) {
    throw new ScepError('scep.undecodable_envelope', 'the initialization vector does not have the length of a block');
  }
  return iv;
};

const readEncryptedContentInfo = (reader: Asn1Reader): Omit<Envelope, keyof Recipients> => {
  reader.oid();
  const algorithm = readAlgorithmIdentifier(reader);
  const contentCipher = cipherOf(algorithm.oid);
  // Clients exist that wrap one OCTET STRING in [0] although the length is definite; BER reads that as one chunk.
  const encryptedContent = reader.implicitOctetString(0);
  reader.end();
  if (encryptedContent.length > maximumEncryptedBytes) {
    throw new ScepError('scep.undecodable_envelope', 'the encrypted content is too large');
  }
  const iv =
    contentCipher === undefined
      ? new Uint8Array()
      : readInitializationVector(algorithm, ciphers[contentCipher].blockBytes);
  return { contentCipher, iv, encryptedContent };
};

/**
 * Decodes a pkcsPKIEnvelope, DER or BER, without decrypting anything.
 *
 * @param content - a ContentInfo with EnvelopedData: the `content` of a PkiMessage
 * @throws ScepError `scep.undecodable_envelope`
 * @example
 * const envelope = decodeEnvelope(message.content);
 * if (!floorAllows(floor, { digest: message.digest, contentCipher: envelope.contentCipher })) return refuse('badAlg');
 */
export const decodeEnvelope = (content: Uint8Array): Envelope =>
  decoding('scep.undecodable_envelope', 'the envelope', () => {
    const explicit = readContentInfo(content, cmsOid.envelopedData);
    const envelopedData = explicit.sequence();
    explicit.end();
    envelopedData.smallInteger();
    envelopedData.optional(tag.contextConstructed(0));
    const recipients = readRecipientInfos(envelopedData.set());
    const encrypted = readEncryptedContentInfo(envelopedData.sequence());
    envelopedData.optional(tag.contextConstructed(1));
    envelopedData.end();
    return { ...recipients, ...encrypted };
  });

const wrappedKeyFor = (
  envelope: Envelope,
  certificate: Certificate,
): { keyTransport: KeyTransport; encryptedKey: Uint8Array } | undefined => {
  const recipient = envelope.recipients.find(({ identifier }) => identifies(identifier, certificate));
  if (recipient?.keyTransport === undefined) return undefined;
  return { keyTransport: recipient.keyTransport, encryptedKey: recipient.encryptedKey };
};

/**
 * Says whether an envelope is addressed to a certificate: a server with several RA certificates opens it with that one.
 *
 * @example
 * const recipient = authorities.find(({ certificate }) => isAddressedTo(envelope, certificate)) ?? current;
 */
export const isAddressedTo = (envelope: Envelope, certificate: Certificate): boolean =>
  envelope.recipients.some(({ identifier }) => identifies(identifier, certificate));

/**
 * Decrypts an envelope. Everything that can be wrong with it, from a recipient that is not us to bad padding, gives
 * random content instead of an error: the outer signature of a request can be made by anyone, so whoever replays a
 * captured envelope with changes must not learn which change broke what. Give one answer to every failure from here on.
 *
 * @param envelope - its `contentCipher` must be known
 * @param randomBytes - a cryptographically secure source
 * @throws ScepError `scep.unsupported_algorithm` for an unknown cipher or a runtime without PKCS#1 v1.5 decryption;
 *   `scep.bad_argument` for a private key that is not RSA
 * @example
 * const { content, keyTransport } = openEnvelope(envelope, registrationAuthority, randomBytes);
 */
export const openEnvelope = (
  envelope: Envelope,
  recipient: Recipient,
  randomBytes: (size: number) => Uint8Array,
): OpenedEnvelope => {
  const { contentCipher } = envelope;
  if (contentCipher === undefined) {
    throw new ScepError('scep.unsupported_algorithm', 'the envelope is encrypted with an unknown cipher');
  }
  const wrapped = wrappedKeyFor(envelope, recipient.certificate);
  const { keyBytes } = ciphers[contentCipher];
  const key = unwrapContentKey({ privateKey: recipient.privateKey, wrapped, keyBytes, randomBytes });
  return {
    content: decryptContent(contentCipher, key, envelope.iv, envelope.encryptedContent, randomBytes),
    keyTransport: wrapped?.keyTransport ?? { kind: 'pkcs1' },
  };
};

/**
 * Decrypts an envelope whose key is under a password, as a device gets it whose own key cannot decrypt (RFC 8894
 * section 3.1). What depends on the password, from a wrong one to bad padding, gives random content instead of an error.
 *
 * @param password - the challengePassword of the request
 * @throws ScepError `scep.unsupported_algorithm` when the envelope is under no password, or under one by algorithms or
 *   parameters that are not spoken: PBKDF2 of at most 1,000,000 rounds with HMAC over SHA-1 or SHA-2, and PWRI-KEK
 * @example
 * const content = openEnvelopeWithPassword(decodeEnvelope(message.content), challengePassword, randomBytes);
 */
export const openEnvelopeWithPassword = (
  envelope: Envelope,
  password: string,
  randomBytes: (size: number) => Uint8Array,
): Uint8Array => {
  const { contentCipher } = envelope;
  for (const { encryptedKey, keyEncryption } of envelope.passwordRecipients) {
    if (contentCipher === undefined || keyEncryption === undefined) continue;
    const { keyBytes } = ciphers[contentCipher];
    const key = unwrapPasswordRecipient({ keyEncryption, encryptedKey, password, keyBytes, randomBytes });
    return decryptContent(contentCipher, key, envelope.iv, envelope.encryptedContent, randomBytes);
  }
  throw new ScepError('scep.unsupported_algorithm', 'the envelope is under no password by known algorithms and bounds');
};

/** RFC 5652 section 6.1: 3 with a password recipient, else 0 as all our certificates are named by their number. */
const envelopeVersion = (recipients: readonly EnvelopeRecipient[]): number =>
  recipients.some(({ kind }) => kind === 'password') ? 3 : 0;

/** Encrypts content to every recipient and gives the ContentInfo. @throws ScepError `scep.bad_argument` */
export const encodeEnvelope = (options: {
  content: Uint8Array;
  recipients: readonly EnvelopeRecipient[];
  contentCipher: ContentCipher;
  framing: FramingName;
  randomBytes: (size: number) => Uint8Array;
}): Uint8Array => {
  const { contentCipher, randomBytes, recipients } = options;
  if (recipients.length === 0) throw new ScepError('scep.bad_argument', 'an envelope needs a recipient');
  const framing = framings[options.framing];
  const cipher = ciphers[contentCipher];
  const key = randomBytes(cipher.keyBytes);
  const iv = randomBytes(cipher.blockBytes);
  const envelopedData = framing.sequence(
    der.integer(envelopeVersion(recipients)),
    der.setOf(recipients.map((recipient) => encodeRecipientInfo(recipient, contentCipher, key, randomBytes))),
    framing.sequence(
      der.oid(cmsOid.data),
      encodeAlgorithmIdentifier(cipher.oid, der.octetString(iv)).encoded,
      framing.implicitOctetString(0, encryptContent(contentCipher, key, iv, options.content)),
    ),
  );
  return encodeContentInfo(framing, cmsOid.envelopedData, envelopedData);
};
