/**
 * Encryption of single database columns.
 *
 * A sealed value is `version (1) || nonce (12) || ciphertext || tag (16)`: AES-256-GCM under a key that HKDF-SHA256
 * derives from the master secret for this purpose alone. Random 96-bit nonces bear 2^32 values under one key
 * (NIST SP 800-38D, 8.3), far more than notifications are ever written.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { StoreError } from './store.ts';
import type { SecretBox } from './store.ts';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const KEY_PURPOSE = 'scepter store: sealed columns, version 1';
const header = Uint8Array.of(VERSION);

/**
 * @param masterSecret any string of high entropy
 * @param randomBytes a cryptographic source: a repeated nonce gives away what was sealed
 * @example
 * const box = createSecretBox(masterSecret, randomBytes);
 * box.open(box.seal(Uint8Array.of(1, 2, 3)));
 */
export function createSecretBox(masterSecret: string, randomBytes: (size: number) => Uint8Array): SecretBox {
  if (masterSecret.length === 0) throw new TypeError('The master secret is empty');
  const key = new Uint8Array(hkdfSync('sha256', masterSecret, '', KEY_PURPOSE, KEY_BYTES));
  return {
    seal(plaintext) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(header);
      const ciphertext = [cipher.update(plaintext), cipher.final()];
      return new Uint8Array(Buffer.concat([header, nonce, ...ciphertext, cipher.getAuthTag()]));
    },
    open(sealed) {
      if (sealed.length < header.length + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw unsealingFailed();
      const nonce = sealed.subarray(header.length, header.length + NONCE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(header);
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
      const ciphertext = sealed.subarray(header.length + NONCE_BYTES, -TAG_BYTES);
      try {
        return new Uint8Array(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
      } catch (error) {
        throw unsealingFailed(error);
      }
    },
  };
}

function unsealingFailed(cause?: unknown): StoreError {
  const message = 'A sealed value does not open: the master secret is another one, or the database is damaged';
  return new StoreError('store.unsealing_failed', message, { cause });
}
