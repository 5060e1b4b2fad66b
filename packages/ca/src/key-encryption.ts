/*
 * Private keys at rest: PKCS#8 EncryptedPrivateKeyInfo (RFC 5958 3) under PBES2 (RFC 8018 6.2), in PEM (RFC 7468 11).
 *
 *   EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm AlgorithmIdentifier, encryptedData OCTET STRING }
 *   PBES2-params  ::= SEQUENCE { keyDerivationFunc AlgorithmIdentifier, encryptionScheme AlgorithmIdentifier }
 *   PBKDF2-params ::= SEQUENCE { salt OCTET STRING, iterationCount INTEGER, keyLength INTEGER OPTIONAL,
 *                                prf AlgorithmIdentifier DEFAULT hmacWithSHA1 }
 *
 * Encoded here rather than by KeyObject.export, which derives the key with only 2048 iterations.
 */
import { createCipheriv, createPrivateKey, pbkdf2 } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import {
  Asn1Reader,
  decodePem,
  der,
  encodeAlgorithmIdentifier,
  encodePem,
  readAlgorithmIdentifier,
} from '@scepter/x509';
import { CaError } from './errors.ts';

/** The object identifiers of RFC 8018 that key files use. */
const pkcs5 = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacWithSHA256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
} as const;

/** OWASP's recommendation for PBKDF2 with HMAC-SHA-256 (2023): about 0.2 s for each key and each guess. */
const DEFAULT_KEY_DERIVATION_ITERATIONS = 600_000;
/** A damaged count must not keep the start waiting for minutes. */
const ITERATION_LIMIT = 10_000_000;
const PEM_LABEL = 'ENCRYPTED PRIVATE KEY';
const MINIMUM_SECRET_LENGTH = 8;
/** OpenSSL's limit for a passphrase, in bytes. */
const MAXIMUM_SECRET_BYTES = 1024;

export interface KeyEncryptionOptions {
  readonly randomBytes: (size: number) => Uint8Array;
  /** 600 000 when not given. */
  readonly keyDerivationIterations?: number;
}

/**
 * Encrypts a private key with a secret.
 *
 * @returns PEM text, which `openssl pkey` opens
 * @throws CaError `ca.invalid_argument` for a secret of less than 8 characters or more than 1024 bytes
 */
export async function encryptKey(
  privateKey: KeyObject,
  secret: string,
  options: KeyEncryptionOptions,
): Promise<string> {
  checkSecret(secret);
  const iterations = options.keyDerivationIterations ?? DEFAULT_KEY_DERIVATION_ITERATIONS;
  const salt = options.randomBytes(16);
  const initializationVector = options.randomBytes(16);
  const encryptionKey = await promisify(pbkdf2)(secret, salt, iterations, 32, 'sha256');
  const plain = privateKey.export({ type: 'pkcs8', format: 'der' });
  const cipher = createCipheriv('aes-256-cbc', encryptionKey, initializationVector);
  const encrypted = der.concat(cipher.update(plain), cipher.final());
  plain.fill(0);
  encryptionKey.fill(0);
  const derivation = der.sequence(
    der.octetString(salt),
    der.integer(iterations),
    encodeAlgorithmIdentifier(pkcs5.hmacWithSHA256, der.null()).encoded,
  );
  const scheme = der.sequence(
    encodeAlgorithmIdentifier(pkcs5.pbkdf2, derivation).encoded,
    encodeAlgorithmIdentifier(pkcs5.aes256Cbc, der.octetString(initializationVector)).encoded,
  );
  const algorithm = encodeAlgorithmIdentifier(pkcs5.pbes2, scheme).encoded;
  return encodePem(PEM_LABEL, der.sequence(algorithm, der.octetString(encrypted)));
}

/**
 * Opens an encrypted private key. Any PBES2 scheme that OpenSSL knows is read, so that an operator may have changed
 * the secret with `openssl pkcs8`.
 *
 * @param path only for the error
 * @throws CaError `ca.store_damaged` when this is no encrypted key; `ca.wrong_secret` when it does not open, which a
 *   damaged ciphertext cannot be told from
 */
export function decryptKey(pem: string, secret: string, path: string): KeyObject {
  checkSecret(secret);
  checkForm(pem, path);
  try {
    return createPrivateKey({ key: pem, format: 'pem', passphrase: secret });
  } catch {
    // OpenSSL's own error is left out: it says nothing that this does not.
    throw new CaError('ca.wrong_secret', `The private key in ${path} does not open with the given secret.`, {
      path,
      hint: 'Give the secret that the CA was created with; if you are sure of it, restore this file from a backup.',
    });
  }
}

function checkForm(pem: string, path: string): void {
  try {
    const [block, ...others] = decodePem(pem);
    if (block === undefined || others.length > 0 || block.label !== PEM_LABEL) throw new Error('not one encrypted key');
    const outer = Asn1Reader.of(block.bytes);
    const info = outer.sequence();
    outer.end();
    const { oid: algorithm, parameters } = readAlgorithmIdentifier(info);
    info.octetString();
    info.end();
    if (algorithm !== pkcs5.pbes2 || parameters === undefined) throw new Error('not encrypted with PBES2');
    const derivation = readAlgorithmIdentifier(Asn1Reader.of(parameters).sequence());
    if (derivation.oid === pkcs5.pbkdf2 && derivation.parameters !== undefined) checkIterations(derivation.parameters);
  } catch (cause) {
    throw new CaError('ca.store_damaged', `${path} does not hold an encrypted private key.`, {
      path,
      hint: 'Restore this file from a backup.',
      cause,
    });
  }
}

function checkIterations(parameters: Uint8Array): void {
  const fields = Asn1Reader.of(parameters).sequence();
  fields.octetString();
  const iterations = fields.integer();
  if (iterations < 1n || iterations > ITERATION_LIMIT) throw new Error('an impossible iteration count');
}

function checkSecret(secret: string): void {
  if (secret.length < MINIMUM_SECRET_LENGTH || new TextEncoder().encode(secret).length > MAXIMUM_SECRET_BYTES) {
    throw new CaError('ca.invalid_argument', 'The secret for the private keys must have 8 characters to 1024 bytes.');
  }
}
