import { Asn1Reader, der, encodeAlgorithmIdentifier, readAlgorithmIdentifier, tag } from '@scepter/x509';
import type { AlgorithmIdentifier } from '@scepter/x509';
import { cipherOf, ciphers } from '../algorithms.ts';
import type { ContentCipher } from '../algorithms.ts';
import { ScepError } from '../errors.ts';
import { cmsOid } from '../object-identifiers.ts';
import { deriveKey, encodeKeyDerivation, iterationBounds, resolveKeyDerivation } from './key-derivation.ts';
import type { KeyDerivation } from './key-derivation.ts';
import { unwrapWithPassword, wrapWithPassword } from './password-key-wrap.ts';

// RFC 5652 section 6.2.4
// PasswordRecipientInfo ::= SEQUENCE {
//   version CMSVersion,  -- always 0
//   keyDerivationAlgorithm [0] KeyDerivationAlgorithmIdentifier OPTIONAL,  -- IMPLICIT
//   keyEncryptionAlgorithm KeyEncryptionAlgorithmIdentifier,  -- PWRI-KEK, whose parameters name the cipher (RFC 3211)
//   encryptedKey EncryptedKey }  -- OCTET STRING

/** How the content-encryption key is kept under a password. */
export interface PasswordKeyEncryption {
  derivation: KeyDerivation;
  cipher: ContentCipher;
  iv: Uint8Array;
}

export interface PasswordRecipientInfo {
  /** `undefined` for algorithms that this package does not speak, and for parameters beyond its bounds. */
  keyEncryption: PasswordKeyEncryption | undefined;
  encryptedKey: Uint8Array;
}

/** RFC 5652 section 6.2: the place of a PasswordRecipientInfo among the RecipientInfos. */
export const passwordRecipientTag = tag.contextConstructed(3);

const maximumEncryptedKeyBytes = 256;
const saltBytes = 16;
const keyDerivationFields = tag.contextConstructed(0);

/** [0] IMPLICIT: the fields of an AlgorithmIdentifier without its own tag. */
const readImplicitAlgorithm = (fields: Asn1Reader): AlgorithmIdentifier => {
  const oid = fields.oid();
  const parameters = fields.atEnd() ? undefined : fields.next().encoded;
  fields.end();
  return encodeAlgorithmIdentifier(oid, parameters);
};

const resolveKeyEncryption = (
  derivationAlgorithm: AlgorithmIdentifier | undefined,
  encryptionAlgorithm: AlgorithmIdentifier,
): PasswordKeyEncryption | undefined => {
  if (encryptionAlgorithm.oid !== cmsOid.pwriKek || encryptionAlgorithm.parameters === undefined) return undefined;
  const algorithm = readAlgorithmIdentifier(Asn1Reader.of(encryptionAlgorithm.parameters, { rules: 'ber' }));
  const cipher = cipherOf(algorithm.oid);
  if (cipher === undefined || algorithm.parameters === undefined || derivationAlgorithm === undefined) return undefined;
  const iv = Asn1Reader.of(algorithm.parameters, { rules: 'ber' }).octetString();
  const derivation = resolveKeyDerivation(derivationAlgorithm, ciphers[cipher].keyBytes);
  if (iv.length !== ciphers[cipher].blockBytes || derivation === undefined) return undefined;
  return { derivation, cipher, iv };
};

/** @throws ScepError or Asn1Error when it is damaged; what is well-formed and not spoken comes without keyEncryption */
export const readPasswordRecipientInfo = (fields: Asn1Reader): PasswordRecipientInfo => {
  fields.smallInteger();
  const derivationFields = fields.optionalConstructed(keyDerivationFields);
  const derivation = derivationFields === undefined ? undefined : readImplicitAlgorithm(derivationFields);
  const keyEncryption = resolveKeyEncryption(derivation, readAlgorithmIdentifier(fields));
  const encryptedKey = fields.octetString();
  fields.end();
  if (encryptedKey.length > maximumEncryptedKeyBytes) {
    throw new ScepError('scep.undecodable_envelope', 'an encrypted key is too long');
  }
  return { keyEncryption, encryptedKey };
};

/** Shorter challenges can be guessed from a captured reply, which tells whether a guess is right (RFC 8894 section 7.3). */
const minimumPasswordLength = 16;

/** Slow enough to hinder guessing, fast enough for a server: about 10 ms a reply. */
const defaultIterations = 50_000;

/**
 * Tells whether an envelope can be made under a password: it has 16 characters or more.
 *
 * @example
 * if (!canEnvelopeFor(message.signer) && !canEnvelopeUnder(challenge)) return refuse(message, 'badAlg');
 */
export const canEnvelopeUnder = (password: string | undefined): password is string =>
  password !== undefined && password.length >= minimumPasswordLength;

/** The parts of an envelope for whoever knows a password. */
export interface PasswordRecipient {
  /** The challenge password of the request, of 16 characters or more. */
  password: string;
  /** Rounds of PBKDF2, 1 to 1,000,000. Default 50,000. */
  iterations?: number;
}

/** @throws ScepError `scep.bad_argument` for a password that is too short or iterations beyond the bounds */
export const encodePasswordRecipientInfo = (
  recipient: PasswordRecipient,
  contentCipher: ContentCipher,
  contentKey: Uint8Array,
  randomBytes: (size: number) => Uint8Array,
): Uint8Array => {
  const { iterations = defaultIterations, password } = recipient;
  if (!canEnvelopeUnder(password)) {
    throw new ScepError('scep.bad_argument', 'a password that an envelope is under has 16 characters or more');
  }
  const { maximum, minimum } = iterationBounds;
  if (!Number.isInteger(iterations) || iterations < minimum || iterations > maximum) {
    throw new ScepError('scep.bad_argument', `the iterations are a whole number from ${minimum} to ${maximum}`);
  }
  const { blockBytes, keyBytes, oid } = ciphers[contentCipher];
  const derivation: KeyDerivation = { salt: randomBytes(saltBytes), iterations, digest: 'sha256' };
  const iv = randomBytes(blockBytes);
  const key = deriveKey(password, derivation, keyBytes);
  const keyEncryption = encodeAlgorithmIdentifier(
    cmsOid.pwriKek,
    encodeAlgorithmIdentifier(oid, der.octetString(iv)).encoded,
  );
  const keyDerivation = Uint8Array.from(encodeKeyDerivation(derivation).encoded);
  keyDerivation[0] = keyDerivationFields;
  return der.implicitConstructed(
    3,
    der.integer(0),
    keyDerivation,
    keyEncryption.encoded,
    der.octetString(wrapWithPassword(contentKey, { cipher: contentCipher, key, iv, randomBytes })),
  );
};

/** Decrypts a content-encryption key; with a wrong password, a random one. */
export const unwrapPasswordRecipient = (options: {
  keyEncryption: PasswordKeyEncryption;
  encryptedKey: Uint8Array;
  password: string;
  /** Of the content cipher. */
  keyBytes: number;
  randomBytes: (size: number) => Uint8Array;
}): Uint8Array => {
  const { encryptedKey, keyBytes, password, randomBytes } = options;
  const { cipher, derivation, iv } = options.keyEncryption;
  const key = deriveKey(password, derivation, ciphers[cipher].keyBytes);
  return unwrapWithPassword(encryptedKey, keyBytes, { cipher, key, iv, randomBytes });
};
