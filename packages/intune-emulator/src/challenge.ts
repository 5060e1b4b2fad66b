/**
 * The SCEP challenge, as Microsoft describes it: Intune encrypts what it expects, signs the encrypted blob, then
 * packages both in the challenge password. The real format is not published; this is the emulator's own:
 *
 *   ScepChallenge    ::= SEQUENCE { version INTEGER (1), encryptedBlob OCTET STRING, signature OCTET STRING }
 *   EncryptedBlob    ::= SEQUENCE { wrappedKey OCTET STRING, initializationVector OCTET STRING,
 *                                   ciphertext OCTET STRING, authenticationTag OCTET STRING }
 *
 * `wrappedKey` is an AES-256 key under RSA-OAEP (SHA-256); the ciphertext is AES-256-GCM over JSON; `signature` is
 * RSA-SHA256 over `encryptedBlob`. The password is the base64 text of the DER bytes.
 */
import {
  constants,
  createHash,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { Asn1Reader, der } from '@scepter/x509';
import { z } from 'zod';
import { decodeBase64, type RandomBytes } from './identifiers.ts';
import { subjectAlternativeNameTypes } from './model.ts';
import { ScepRejection } from './result-codes.ts';

/** Microsoft's challenges live 60 minutes. */
export const challengeLifetimeMinutes = 60;

/** An upper bound for what is parsed; the emulator's own challenges have about 2,000 characters. */
const maxChallengeLength = 64 * 1024;

/** Enough for a burst of enrollments; each takes about 1 KB. */
const maxRememberedChallenges = 1000;

const expectation = z.strictObject({
  certificateRequestId: z.string(),
  /** What the certificate is for: a profile on a device, or nothing in particular. */
  target: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('profile'), profileId: z.string(), deviceId: z.string(), userId: z.string() }),
    z.strictObject({ kind: z.literal('unbound') }),
  ]),
  subject: z.string(),
  subjectAlternativeNames: z.array(z.strictObject({ sanType: z.enum(subjectAlternativeNameTypes), value: z.string() })),
  keyUsage: z.array(z.enum(['digitalSignature', 'keyEncipherment'])).optional(),
  extendedKeyUsages: z.array(z.string()).optional(),
  keySize: z.number().optional(),
  /** ISO 8601. */
  created: z.string(),
  /** ISO 8601. */
  expires: z.string(),
});

/** What Intune expects of the request that carries the challenge. Optional parts, when absent, are not checked. */
export type ChallengeExpectation = Readonly<z.infer<typeof expectation>>;

export class ChallengeAuthority {
  readonly #signingKey: KeyObject;
  readonly #verificationKey: KeyObject;
  readonly #decryptionKey: KeyObject;
  readonly #encryptionKey: KeyObject;
  readonly #randomBytes: RandomBytes;
  /** Challenges opened lately, by their SHA-256: a notification follows each validation with the same one. */
  readonly #opened = new Map<string, ChallengeExpectation>();

  constructor(options: { signingKey: KeyObject; encryptionKey: KeyObject; randomBytes: RandomBytes }) {
    this.#signingKey = options.signingKey;
    this.#verificationKey = createPublicKey(options.signingKey);
    this.#decryptionKey = options.encryptionKey;
    this.#encryptionKey = createPublicKey(options.encryptionKey);
    this.#randomBytes = options.randomBytes;
  }

  /** Encrypts, signs, packages. */
  issue(content: ChallengeExpectation): string {
    return this.packageSigned(this.encrypt(Buffer.from(JSON.stringify(content))));
  }

  /** The encrypted blob around any content; apart from {@link issue} for tests of what validation refuses. */
  encrypt(content: Uint8Array): Uint8Array {
    const contentKey = this.#randomBytes(32);
    const initializationVector = this.#randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', contentKey, initializationVector);
    const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
    const wrappedKey = publicEncrypt({ key: this.#encryptionKey, ...oaep }, contentKey);
    return der.sequence(
      der.octetString(wrappedKey),
      der.octetString(initializationVector),
      der.octetString(ciphertext),
      der.octetString(cipher.getAuthTag()),
    );
  }

  /** Signs the encrypted blob and packages both. */
  packageSigned(encryptedBlob: Uint8Array): string {
    const signature = sign('sha256', encryptedBlob, this.#signingKey);
    const packaged = der.sequence(der.integer(1), der.octetString(encryptedBlob), der.octetString(signature));
    return Buffer.from(packaged).toString('base64');
  }

  /**
   * Unpackages, checks the signature, decrypts, decodes: in that order, so that nothing is decrypted that the emulator
   * has not signed.
   *
   * @throws ScepRejection `ChallengeDeserializationError`, `SignatureValidationFailed`, `ChallengeDecryptionError`,
   *   `ChallengeDecodingError`
   */
  open(challenge: string): ChallengeExpectation {
    const key = createHash('sha256').update(challenge).digest('base64');
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const opened = this.#openNew(challenge);
    this.#opened.set(key, opened);
    const oldest = this.#opened.keys().next();
    if (this.#opened.size > maxRememberedChallenges && !oldest.done) this.#opened.delete(oldest.value);
    return opened;
  }

  #openNew(challenge: string): ChallengeExpectation {
    const { encryptedBlob, signature } = unpackage(challenge);
    if (!verify('sha256', encryptedBlob, this.#verificationKey, signature)) {
      throw new ScepRejection('SignatureValidationFailed', 'The signature of the SCEP challenge is not valid.');
    }
    return decode(this.#decrypt(encryptedBlob));
  }

  #decrypt(encryptedBlob: Uint8Array): Uint8Array {
    try {
      const reader = Asn1Reader.of(encryptedBlob);
      const blob = reader.sequence();
      reader.end();
      const wrappedKey = blob.octetString();
      const initializationVector = blob.octetString();
      const ciphertext = blob.octetString();
      const authenticationTag = blob.octetString();
      blob.end();
      const contentKey = privateDecrypt({ key: this.#decryptionKey, ...oaep }, wrappedKey);
      const options = { authTagLength: 16 };
      const decipher = createDecipheriv('aes-256-gcm', contentKey, initializationVector, options);
      decipher.setAuthTag(authenticationTag);
      return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
    } catch {
      throw new ScepRejection('ChallengeDecryptionError', 'The SCEP challenge cannot be decrypted.');
    }
  }
}

const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' } as const;

function unpackage(challenge: string): { encryptedBlob: Uint8Array; signature: Uint8Array } {
  const refused = () =>
    new ScepRejection('ChallengeDeserializationError', 'The challenge password is not a packaged SCEP challenge.');
  const bytes = challenge.length > maxChallengeLength ? undefined : decodeBase64(challenge);
  if (bytes === undefined) throw refused();
  try {
    const reader = Asn1Reader.of(bytes);
    const parts = reader.sequence();
    reader.end();
    if (parts.smallInteger() !== 1) throw refused();
    const encryptedBlob = parts.octetString();
    const signature = parts.octetString();
    parts.end();
    return { encryptedBlob, signature };
  } catch {
    throw refused();
  }
}

function decode(content: Uint8Array): ChallengeExpectation {
  try {
    return expectation.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content)));
  } catch {
    throw new ScepRejection('ChallengeDecodingError', 'The content of the SCEP challenge cannot be decoded.');
  }
}
