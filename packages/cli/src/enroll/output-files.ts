import type { KeyObject } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { encodePem } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { CommandError } from '../command-error.ts';
import { exists, writeFileAtomically } from '../files.ts';

/** Where an enrollment's results go. */
export interface OutputFiles {
  readonly key: string;
  readonly certificate: string;
  readonly chain: string;
}

/**
 * Names the files and makes sure that none would be overwritten.
 *
 * @throws CommandError when one is there and `force` is not set.
 */
export async function planOutputFiles(prefix: string, workingFolder: string, force: boolean): Promise<OutputFiles> {
  const base = resolve(workingFolder, prefix);
  const files = { key: `${base}.key`, certificate: `${base}.pem`, chain: `${base}-chain.pem` };
  if (force) return files;
  for (const path of Object.values(files)) {
    if (!(await exists(path))) continue;
    throw new CommandError(`${path} is there already.`, {
      hint: 'Choose another prefix with --out, or overwrite with --force.',
    });
  }
  return files;
}

/**
 * Writes the new key (mode 0600, PKCS#8) beside its final place, before the request leaves: a folder that cannot be
 * written shows before a challenge is spent, and an older key stays until the new certificate is here.
 */
export async function writePendingKey(files: OutputFiles, privateKey: KeyObject): Promise<void> {
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  await writeFileAtomically(pendingKey(files), String(pem), 0o600);
}

/** Removes the key of a request that came to nothing. */
export async function discardPendingKey(files: OutputFiles): Promise<void> {
  await rm(pendingKey(files), { force: true });
}

/** Puts the new key in its place, the certificate, and its path to the root, leaf first, beside it. */
export async function writeResults(
  files: OutputFiles,
  certificate: Certificate,
  issuers: readonly Certificate[],
): Promise<void> {
  const [leaf = '', ...chain] = [certificate, ...issuers].map(({ encoded }) => encodePem('CERTIFICATE', encoded));
  await rename(pendingKey(files), files.key);
  await writeFileAtomically(files.certificate, leaf, 0o644);
  await writeFileAtomically(files.chain, [leaf, ...chain].join(''), 0o644);
}

function pendingKey(files: OutputFiles): string {
  return `${files.key}.pending`;
}
