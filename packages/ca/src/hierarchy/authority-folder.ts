/* One authority on disk: a folder with its certificate and its encrypted private key. */
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeCertificate, decodePem, encodePem } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { makePrivateFolder, syncFolder, systemCodeOf, unreadable, writeDurably } from '../durable-files.ts';
import { CaError } from '../errors.ts';
import { decryptKey, encryptKey } from '../key-encryption.ts';
import type { KeyEncryptionOptions } from '../key-encryption.ts';
import { KEY_FILE_MODE } from '../key-store.ts';
import type { Authority } from './create-hierarchy.ts';

const CERTIFICATE_FILE = 'certificate.pem';
const KEY_FILE = 'private-key.pem';
/** Not secret, but only the owner may change it. */
const CERTIFICATE_FILE_MODE = 0o644;

/** What a folder holds, its key still locked. */
export interface LockedAuthority {
  readonly folder: string;
  readonly certificatePath: string;
  readonly keyPath: string;
  readonly certificate: Certificate;
  readonly encryptedKey: string;
}

/** Writes the files of an authority into its folder, which is created; durable when this returns. */
export async function writeAuthority(
  folder: string,
  authority: Authority,
  secret: string,
  options: KeyEncryptionOptions,
): Promise<void> {
  await makePrivateFolder(folder);
  const encryptedKey = await encryptKey(authority.privateKey, secret, options);
  await writeDurably(join(folder, KEY_FILE), encryptedKey, KEY_FILE_MODE);
  const certificate = encodePem('CERTIFICATE', authority.certificate);
  await writeDurably(join(folder, CERTIFICATE_FILE), certificate, CERTIFICATE_FILE_MODE);
  await syncFolder(folder);
}

/** @throws CaError `ca.store_damaged`, `ca.store_unreadable` */
export async function readAuthority(folder: string): Promise<LockedAuthority> {
  const certificatePath = join(folder, CERTIFICATE_FILE);
  const keyPath = join(folder, KEY_FILE);
  const certificate = decodeCertificateFile(await readPart(certificatePath), certificatePath);
  return { folder, certificatePath, keyPath, certificate, encryptedKey: await readPart(keyPath) };
}

/** @throws CaError `ca.store_damaged`, `ca.wrong_secret` */
export function unlockAuthority({ encryptedKey, keyPath }: LockedAuthority, secret: string): KeyObject {
  return decryptKey(encryptedKey, secret, keyPath);
}

/** The error for files that do not make a CA. Nothing was changed. */
export function damaged(path: string, message: string, cause?: unknown): CaError {
  return new CaError('ca.store_damaged', `${path} ${message}.`, {
    path,
    hint: "Nothing was changed: restore the CA's folder from a backup, or name another folder for a new CA.",
    ...(cause === undefined ? {} : { cause }),
  });
}

async function readPart(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const missing = ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCodeOf(cause) ?? '');
    throw missing ? damaged(path, 'is missing', cause) : unreadable(path, cause);
  }
}

function decodeCertificateFile(text: string, path: string): Certificate {
  try {
    const [block, ...others] = decodePem(text);
    if (block?.label !== 'CERTIFICATE' || others.length > 0) throw new Error('not one certificate');
    return decodeCertificate(block.bytes);
  } catch (cause) {
    throw damaged(path, 'does not hold a certificate', cause);
  }
}
