import { basename, dirname, join, resolve } from 'node:path';
import { decodeCertificate } from '@scepter/x509';
import { unwritable } from '../durable-files.ts';
import type { KeyEncryptionOptions } from '../key-encryption.ts';
import { writeAuthority } from './authority-folder.ts';
import { createHierarchy, createNextRegistration } from './create-hierarchy.ts';
import type { Authority, Hierarchy, HierarchyOptions } from './create-hierarchy.ts';
import { listFolder, readHierarchy, registrationFolder, registrationNumbers } from './read-hierarchy.ts';
import type { StoredHierarchy } from './read-hierarchy.ts';
import { createWhole, removeLeftovers } from './unfinished-folders.ts';

/** How long before its end an RA certificate is followed by a new one. */
const REGISTRATION_RENEWAL_DAYS = 30;
const DAY_MS = 86_400_000;

export interface HierarchyFolderOptions extends HierarchyOptions, KeyEncryptionOptions {
  /** Encrypts the private keys: 8 characters to 1024 bytes. */
  readonly secret: string;
}

/**
 * Reads the hierarchy of a folder, or creates one there when the folder is missing or empty; follows an RA certificate
 * that ends within 30 days with a new one. Names and sizes only matter for what is created.
 *
 * May be killed at any instant, and run by several processes at once: there is one whole hierarchy or none.
 *
 * @throws CaError `ca.store_damaged`, `ca.wrong_secret`, `ca.store_unwritable`, `ca.store_unreadable`,
 *   `ca.invalid_argument`; each with path and hint. Nothing that exists is overwritten or removed.
 * @example
 * const hierarchy = await loadOrCreateHierarchy('data/ca', { secret, organization: 'Example', now: now(), randomBytes });
 */
export async function loadOrCreateHierarchy(path: string, options: HierarchyFolderOptions): Promise<StoredHierarchy> {
  const folder = resolve(path);
  await removeLeftovers(dirname(folder), (name) => name === basename(folder));
  await removeLeftovers(folder, (name) => name.startsWith('registration-'));
  if (await isMissingOrEmpty(folder)) {
    const created = await createFolder(folder, options);
    if (created !== undefined) return created;
  }
  // Looked up before reading: of several processes that find the same RA due, only one can then make the next.
  const next = join(folder, registrationFolder((await latestRegistration(folder)) + 1));
  const loaded = await readHierarchy(folder, options);
  return isRenewalDue(loaded, options.now) ? renewRegistration(next, loaded, options) : loaded;
}

async function isMissingOrEmpty(folder: string): Promise<boolean> {
  return (await listFolder(folder)).length === 0;
}

async function createFolder(folder: string, options: HierarchyFolderOptions): Promise<StoredHierarchy | undefined> {
  const hierarchy = await createHierarchy(options);
  const parts: [string, Authority][] = [
    ['root', hierarchy.root],
    ['issuing', hierarchy.issuing],
    [registrationFolder(1), hierarchy.registration],
  ];
  const isOurs = await createWhole(folder, options.randomBytes, async (unfinished) => {
    for (const [name, authority] of parts) {
      await writeAuthority(join(unfinished, name), authority, options.secret, options);
    }
  }).catch((cause: unknown) => {
    throw unwritable(folder, cause);
  });
  return isOurs ? { ...hierarchy, origin: 'created', formerRegistrations: [] } : undefined;
}

function isRenewalDue({ registration, issuing }: Hierarchy, now: Date): boolean {
  const dueMs = now.getTime() + REGISTRATION_RENEWAL_DAYS * DAY_MS;
  // An RA never outlives its CA: at the CA's end a new one would not last longer.
  return endOf(registration) < dueMs && endOf(issuing) > dueMs;
}

async function renewRegistration(
  next: string,
  loaded: StoredHierarchy,
  options: HierarchyFolderOptions,
): Promise<StoredHierarchy> {
  try {
    const registration = await createNextRegistration(loaded, options);
    const isOurs = await createWhole(next, options.randomBytes, (unfinished) =>
      writeAuthority(unfinished, registration, options.secret, options),
    );
    if (!isOurs) return await readHierarchy(dirname(next), options);
    const former = endOf(loaded.registration) < options.now.getTime() ? [] : [loaded.registration];
    const formerRegistrations = [...former, ...loaded.formerRegistrations];
    return { ...loaded, registration, formerRegistrations, origin: 'registration-renewed' };
  } catch (cause) {
    const problem = unwritable(next, cause);
    if (endOf(loaded.registration) < options.now.getTime()) throw problem;
    return { ...loaded, renewalProblem: problem };
  }
}

async function latestRegistration(folder: string): Promise<number> {
  return registrationNumbers(await listFolder(folder))[0] ?? 0;
}

function endOf({ certificate }: Authority): number {
  return decodeCertificate(certificate).notAfter.getTime();
}
