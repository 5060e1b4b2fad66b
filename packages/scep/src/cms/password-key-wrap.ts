import { createCipheriv, createDecipheriv } from 'node:crypto';
import { ciphers } from '../algorithms.ts';
import type { ContentCipher } from '../algorithms.ts';
import { der } from '@scepter/x509';
import { nodeKey } from './content-encryption.ts';

// RFC 3211 section 2.3: PWRI-KEK. The content-encryption key is written as
//   length (1 byte), check value (3 bytes: the complement of the key's first three), key, random padding
// to whole blocks, at least two, and encrypted twice in CBC: the second time with the last block of the first as IV, so
// that every byte of the result depends on every byte of the key.

const headerBytes = 4;
const checkBytes = headerBytes - 1;

const encryptBlocks = (cipher: ContentCipher, key: Uint8Array, iv: Uint8Array, blocks: Uint8Array): Uint8Array =>
  createCipheriv(ciphers[cipher].nodeName, nodeKey(ciphers[cipher], key), iv).setAutoPadding(false).update(blocks);

const decryptBlocks = (cipher: ContentCipher, key: Uint8Array, iv: Uint8Array, blocks: Uint8Array): Uint8Array =>
  createDecipheriv(ciphers[cipher].nodeName, nodeKey(ciphers[cipher], key), iv).setAutoPadding(false).update(blocks);

interface KeyEncryption {
  cipher: ContentCipher;
  /** Of the cipher's length. */
  key: Uint8Array;
  /** A block. */
  iv: Uint8Array;
  randomBytes: (size: number) => Uint8Array;
}

const wrappedLength = (keyBytes: number, blockBytes: number): number =>
  Math.max(2, Math.ceil((headerBytes + keyBytes) / blockBytes)) * blockBytes;

/** Encrypts a content-encryption key under a key made from a password. */
export const wrapWithPassword = (contentKey: Uint8Array, encryption: KeyEncryption): Uint8Array => {
  const { cipher, iv, key, randomBytes } = encryption;
  const { blockBytes } = ciphers[cipher];
  const formatted = randomBytes(wrappedLength(contentKey.length, blockBytes));
  formatted[0] = contentKey.length;
  for (let index = 0; index < checkBytes; index += 1) formatted[1 + index] = (contentKey[index] ?? 0) ^ 0xff;
  formatted.set(contentKey, headerBytes);
  const once = encryptBlocks(cipher, key, iv, formatted);
  return der.concat(encryptBlocks(cipher, key, once.subarray(-blockBytes), once));
};

/** Undoes both encryptions: the last block of the first is the IV of the second, and so has to be found first. */
const decryptTwice = (wrapped: Uint8Array, { cipher, iv, key }: KeyEncryption): Uint8Array => {
  const { blockBytes } = ciphers[cipher];
  const lastBlock = wrapped.length - blockBytes;
  const lastOfFirst = decryptBlocks(
    cipher,
    key,
    wrapped.subarray(lastBlock - blockBytes, lastBlock),
    wrapped.subarray(lastBlock),
  );
  const restOfFirst = decryptBlocks(cipher, key, lastOfFirst, wrapped.subarray(0, lastBlock));
  return decryptBlocks(cipher, key, iv, der.concat(restOfFirst, lastOfFirst));
};

/**
 * Decrypts a content-encryption key. A wrong password, length or check value gives a random key after the same steps, so
 * that everything that depends on the password fails at one place: when the content makes no sense.
 */
export const unwrapWithPassword = (wrapped: Uint8Array, keyBytes: number, encryption: KeyEncryption): Uint8Array => {
  const { blockBytes } = ciphers[encryption.cipher];
  const expectedLength = wrappedLength(keyBytes, blockBytes);
  const substitute = encryption.randomBytes(keyBytes);
  const decoy = encryption.randomBytes(expectedLength);
  const hasLength = wrapped.length >= expectedLength && wrapped.length % blockBytes === 0;
  const formatted = decryptTwice(hasLength ? wrapped : decoy, encryption);
  let wrong = (formatted[0] ?? 0) ^ keyBytes;
  for (let index = 0; index < checkBytes; index += 1) {
    wrong |= (formatted[1 + index] ?? 0) ^ (formatted[headerBytes + index] ?? 0) ^ 0xff;
  }
  return hasLength && wrong === 0
    ? Uint8Array.from(formatted.subarray(headerBytes, headerBytes + keyBytes))
    : substitute;
};
