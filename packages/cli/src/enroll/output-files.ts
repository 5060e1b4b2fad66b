import type { KeyObject } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { decodeCertificate, decodePem, encodePem } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { CommandError } from '../command-error.ts';
import { exists, readTextFile, writeFileAtomically } from '../files.ts';
import { readPrivateKey } from './identity.ts';

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
export async function planOutputFiles(
  prefix: string,
  workingFolder: string,
  { force, resume }: { force: boolean; resume: boolean },
): Promise<OutputFiles> {
  const base = resolve(workingFolder, prefix);
  const files = { key: `${base}.key`, certificate: `${base}.pem`, chain: `${base}-chain.pem` };
  if (force) return files;
  if (!resume && (await isPending(files))) {
    throw new CommandError(`A request is pending: ${pendingRequest(files)} is there.`, {
      hint: 'Ask for its outcome with --resume, or give it up with --force.',
    });
  }
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

/** A request that the server keeps for a person to decide on: what asking for the outcome takes. */
export interface PendingRequest {
  /** PKCS#10, DER. */
  readonly csr: Uint8Array;
  readonly signerCertificate: Certificate;
  readonly privateKey: KeyObject;
}

/** Keeps the request and the certificate that signed it beside the pending key. */
export async function writePendingRequest(files: OutputFiles, request: PendingRequest): Promise<void> {
  const signer = encodePem('CERTIFICATE', request.signerCertificate.encoded);
  await writeFileAtomically(pendingRequest(files), encodePem('CERTIFICATE REQUEST', request.csr) + signer, 0o600);
}

/** Whether the server is known to keep a request of this prefix. */
export function isPending(files: OutputFiles): Promise<boolean> {
  return exists(pendingRequest(files));
}

/** @throws CommandError when no request is pending under this prefix, or its files cannot be read. */
export async function readPendingRequest(files: OutputFiles): Promise<PendingRequest> {
  const [text, key] = [await readTextFile(pendingRequest(files)), await readTextFile(pendingKey(files))];
  if (text === undefined || key === undefined) {
    throw new CommandError(`No request is pending: there is no ${pendingRequest(files)}.`, {
      hint: 'Give the prefix of the request with --out, and run this in the same folder.',
    });
  }
  try {
    const blocks = new Map(decodePem(text).map(({ label, bytes }) => [label, bytes]));
    return {
      csr: blocks.get('CERTIFICATE REQUEST') ?? new Uint8Array(),
      signerCertificate: decodeCertificate(blocks.get('CERTIFICATE') ?? new Uint8Array()),
      privateKey: readPrivateKey(key, pendingKey(files)),
    };
  } catch (cause) {
    throw new CommandError(`${pendingRequest(files)} cannot be read.`, { hint: 'Enroll anew.', cause });
  }
}

/** Removes what a request that came to nothing leaves. */
export async function discardPending(files: OutputFiles): Promise<void> {
  await rm(pendingKey(files), { force: true });
  await rm(pendingRequest(files), { force: true });
}

/**
 * Writes the certificate and its path to the root, leaf first, and puts the new key in its place. What a pending request
 * can be asked for again with goes last: nothing that fails before may cost the certificate.
 */
export async function writeResults(
  files: OutputFiles,
  certificate: Certificate,
  issuers: readonly Certificate[],
): Promise<void> {
  const [leaf = '', ...chain] = [certificate, ...issuers].map(({ encoded }) => encodePem('CERTIFICATE', encoded));
  await writeFileAtomically(files.certificate, leaf, 0o644);
  await writeFileAtomically(files.chain, [leaf, ...chain].join(''), 0o644);
  await rename(pendingKey(files), files.key);
  await rm(pendingRequest(files), { force: true });
}

function pendingKey(files: OutputFiles): string {
  return `${files.key}.pending`;
}

function pendingRequest(files: OutputFiles): string {
  return `${files.certificate}.pending`;
}
