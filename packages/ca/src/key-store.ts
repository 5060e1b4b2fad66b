import type { KeyObject } from 'node:crypto';
import { access, readFile, rm } from 'node:fs/promises';
import { toHex } from '@scepter/x509';
import { renameDurably, systemCodeOf, unreadable, unwritable, writeDurably } from './durable-files.ts';
import { CaError } from './errors.ts';
import { decryptKey, encryptKey } from './key-encryption.ts';
import type { KeyEncryptionOptions } from './key-encryption.ts';

export type { KeyEncryptionOptions } from './key-encryption.ts';

/** Only the owner may read or write a key file. */
export const KEY_FILE_MODE = 0o600;

/**
 * Writes a private key as an encrypted PKCS#8 PEM file of mode 0600: first under another name, then renamed, so that
 * the file is either whole or not there. An existing file is never overwritten.
 *
 * @throws CaError `ca.store_unwritable`, `ca.invalid_argument` for an impossible secret
 * @example
 * await writeEncryptedKey('ra.key.pem', privateKey, secret, { randomBytes });
 */
export async function writeEncryptedKey(
  path: string,
  privateKey: KeyObject,
  secret: string,
  options: KeyEncryptionOptions,
): Promise<void> {
  const pem = await encryptKey(privateKey, secret, options);
  const unfinished = `${path}.${toHex(options.randomBytes(4))}.unfinished`;
  try {
    await refuseExisting(path);
    await writeDurably(unfinished, pem, KEY_FILE_MODE);
    await renameDurably(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw unwritable(path, cause);
  }
}

/**
 * Reads a private key that {@link writeEncryptedKey} or `openssl pkcs8 -topk8` wrote.
 *
 * @throws CaError `ca.store_missing`, `ca.store_unreadable`, `ca.store_damaged`, `ca.wrong_secret`
 * @example
 * const privateKey = await readEncryptedKey('ra.key.pem', secret);
 */
export async function readEncryptedKey(path: string, secret: string): Promise<KeyObject> {
  let pem: string;
  try {
    pem = await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT') throw unreadable(path, cause);
    throw new CaError('ca.store_missing', `${path} does not exist.`, {
      path,
      hint: 'Restore this file from a backup.',
      cause,
    });
  }
  return decryptKey(pem, secret, path);
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  throw new CaError('ca.store_unwritable', `${path} exists and is not overwritten.`, {
    path,
    hint: 'Move the existing file away first.',
  });
}
