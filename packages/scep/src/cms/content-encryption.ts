import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ciphers } from '../algorithms.ts';
import type { CipherSpecification, ContentCipher } from '../algorithms.ts';
import { der } from '@scepter/x509';

// CBC with the padding of RFC 5652 section 6.3.

/** Not a Buffer, whose methods mean other things. */
const plainBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** As a KeyObject, which Node takes faster than bytes. */
export const nodeKey = (cipher: CipherSpecification, key: Uint8Array): KeyObject =>
  createSecretKey(der.concat(...Array.from({ length: cipher.keyCopies }, () => key)));

export const encryptContent = (
  name: ContentCipher,
  key: Uint8Array,
  iv: Uint8Array,
  content: Uint8Array,
): Uint8Array => {
  const cipher = createCipheriv(ciphers[name].nodeName, nodeKey(ciphers[name], key), iv);
  return der.concat(cipher.update(content), cipher.final());
};

/** Looks at every byte of the last block, whatever the ones before it are, and gives 0 for bad padding. */
const paddingLength = (padded: Uint8Array, blockBytes: number): number => {
  const last = padded.length - 1;
  const length = padded[last] ?? 0;
  let wrong = length > blockBytes ? 1 : 0;
  for (let back = 0; back < blockBytes; back += 1) {
    const counts = back < length ? 0xff : 0;
    wrong |= ((padded[last - back] ?? 0) ^ length) & counts;
  }
  return wrong === 0 ? length : 0;
};

/**
 * Decrypts without ever failing: bad padding or a length that is no multiple of the block gives random bytes of a
 * plausible length, so that the caller's next step fails, and fails the same way for every cause (Vaudenay's attack).
 */
export const decryptContent = (
  name: ContentCipher,
  key: Uint8Array,
  iv: Uint8Array,
  encrypted: Uint8Array,
  randomBytes: (size: number) => Uint8Array,
): Uint8Array => {
  const { blockBytes, nodeName } = ciphers[name];
  const whole = Math.max(encrypted.length - (encrypted.length % blockBytes), blockBytes);
  const substitute = randomBytes(whole);
  const decipher = createDecipheriv(nodeName, nodeKey(ciphers[name], key), iv).setAutoPadding(false);
  const padded = decipher.update(whole > encrypted.length ? substitute : encrypted.subarray(0, whole));
  const padding = paddingLength(padded, blockBytes);
  return padding === 0 || whole !== encrypted.length
    ? substitute
    : plainBytes(padded.subarray(0, padded.length - padding));
};
