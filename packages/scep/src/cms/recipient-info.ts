import { der, readAlgorithmIdentifier, tag } from '@scepter/x509';
import type { Asn1Reader, Certificate } from '@scepter/x509';
import type { ContentCipher, KeyTransport } from '../algorithms.ts';
import { ScepError } from '../errors.ts';
import { encodeCertificateIdentifier, readCertificateIdentifier } from './identifier.ts';
import type { CertificateIdentifier } from './identifier.ts';
import { encodeKeyTransport, resolveKeyTransport, wrapContentKey } from './key-transport.ts';
import {
  encodePasswordRecipientInfo,
  passwordRecipientTag,
  readPasswordRecipientInfo,
} from './password-recipient-info.ts';
import type { PasswordRecipient, PasswordRecipientInfo } from './password-recipient-info.ts';

// RFC 5652 section 6.2
// RecipientInfo ::= CHOICE {
//   ktri KeyTransRecipientInfo,
//   kari [1], kekri [2], pwri [3], ori [4] }
// KeyTransRecipientInfo ::= SEQUENCE {
//   version CMSVersion,  -- 0, or 2 with a subjectKeyIdentifier
//   rid RecipientIdentifier,
//   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,
//   encryptedKey EncryptedKey }  -- OCTET STRING

export interface RecipientInfo {
  identifier: CertificateIdentifier;
  /** `undefined` for a key transport this package does not speak. */
  keyTransport: KeyTransport | undefined;
  encryptedKey: Uint8Array;
}

// A client encrypts to the certificates of GetCACert at most.
const maximumRecipients = 16;

const readKeyTransRecipientInfo = (reader: Asn1Reader): RecipientInfo => {
  reader.smallInteger();
  const identifier = readCertificateIdentifier(reader);
  const keyTransport = resolveKeyTransport(readAlgorithmIdentifier(reader));
  const encryptedKey = reader.octetString();
  reader.end();
  return { identifier, keyTransport, encryptedKey };
};

/** The recipients of an envelope, by the two kinds that SCEP knows (RFC 8894 section 3.1). */
export interface Recipients {
  /** Whoever has the private key of a certificate. */
  recipients: RecipientInfo[];
  /** Whoever knows a password. */
  passwordRecipients: PasswordRecipientInfo[];
}

/** Recipients of other kinds are counted and passed over. */
export const readRecipientInfos = (reader: Asn1Reader): Recipients => {
  const recipients: RecipientInfo[] = [];
  const passwordRecipients: PasswordRecipientInfo[] = [];
  for (let count = 0; !reader.atEnd(); count += 1) {
    if (count === maximumRecipients) throw new ScepError('scep.undecodable_envelope', 'too many recipients');
    const next = reader.peekTag();
    if (next === tag.sequence) recipients.push(readKeyTransRecipientInfo(reader.sequence()));
    else if (next === passwordRecipientTag) {
      passwordRecipients.push(readPasswordRecipientInfo(reader.constructed(passwordRecipientTag)));
    } else reader.next();
  }
  return { recipients, passwordRecipients };
};

/** Below, a key does not even hold the content key of every transport; above, it only costs time. */
const rsaModulusBits = { minimum: 1024, maximum: 8192 };

/**
 * Tells whether an envelope can be made for a certificate: its key must be RSA, of 1024 to 8192 bits.
 *
 * @example
 * if (!canEnvelopeFor(message.signer)) return refuse('badAlg'); // before anything is issued
 */
export const canEnvelopeFor = (certificate: Certificate): boolean => {
  const { key } = certificate.publicKey;
  return key.kind === 'rsa' && key.modulusBits >= rsaModulusBits.minimum && key.modulusBits <= rsaModulusBits.maximum;
};

/** @throws ScepError `scep.bad_argument` when the certificate's key cannot encrypt, or is too short for the transport's digest */
export const encodeKeyTransRecipientInfo = (
  certificate: Certificate,
  keyTransport: KeyTransport,
  contentKey: Uint8Array,
): Uint8Array => {
  if (!canEnvelopeFor(certificate)) {
    throw new ScepError('scep.bad_argument', 'an envelope needs a recipient with an RSA key of 1024 to 8192 bits');
  }
  return der.sequence(
    der.integer(0),
    encodeCertificateIdentifier(certificate),
    encodeKeyTransport(keyTransport),
    der.octetString(wrapContentKey(keyTransport, certificate.publicKey.keyObject(), contentKey)),
  );
};

/** For whom an envelope is made. */
export type EnvelopeRecipient =
  | {
      kind: 'certificate';
      /** Its key must be RSA, see `canEnvelopeFor`. */
      certificate: Certificate;
      keyTransport: KeyTransport;
    }
  | ({ kind: 'password' } & PasswordRecipient);

/** @throws ScepError `scep.bad_argument` when the recipient's key cannot encrypt, or its password is too short */
export const encodeRecipientInfo = (
  recipient: EnvelopeRecipient,
  contentCipher: ContentCipher,
  contentKey: Uint8Array,
  randomBytes: (size: number) => Uint8Array,
): Uint8Array =>
  recipient.kind === 'certificate'
    ? encodeKeyTransRecipientInfo(recipient.certificate, recipient.keyTransport, contentKey)
    : encodePasswordRecipientInfo(recipient, contentCipher, contentKey, randomBytes);
