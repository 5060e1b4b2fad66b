/* How a hierarchy, or a part of it, is put on disk. */
import { join } from 'node:path';
import type { KeyEncryptionOptions } from '../key-encryption.ts';
import { writeAuthority } from './authority-folder.ts';
import type { Authority, HierarchyOptions, IssuingAuthority } from './create-hierarchy.ts';
import { urlOfGeneration } from './generation-urls.ts';
import { registrationFolder } from './read-hierarchy.ts';

export interface HierarchyFolderOptions extends HierarchyOptions, KeyEncryptionOptions {
  /** Encrypts the private keys: 8 characters to 1024 bytes. */
  readonly secret: string;
  /** The generation that issues, 1 when not given: a former CA makes no new RA certificates. */
  readonly currentGeneration?: number;
}

/** An authority and the name of its folder. */
export type Part = readonly [folder: string, authority: Authority];

export function issuingParts({ issuing, registration }: IssuingAuthority): Part[] {
  const parts: Part[] = [['issuing', issuing]];
  if (registration !== issuing) parts.push([registrationFolder(1), registration]);
  return parts;
}

export async function writeParts(
  folder: string,
  parts: readonly Part[],
  options: HierarchyFolderOptions,
): Promise<void> {
  for (const [name, authority] of parts) await writeAuthority(join(folder, name), authority, options.secret, options);
}

/** What a generation is made from: its CRL has a URL of its own. */
export function ofGeneration(number: number, options: HierarchyFolderOptions): HierarchyFolderOptions {
  const { crlUrls } = options;
  return crlUrls === undefined ? options : { ...options, crlUrls: crlUrls.map((url) => urlOfGeneration(url, number)) };
}
