/*
 * A hierarchy on disk:
 *
 *   root/            certificate.pem, private-key.pem
 *   issuing/         …
 *   registration-1/  …   then registration-2/ and so on: a renewed RA never overwrites the one before
 *
 * The whole folder, and each later registration folder, appears at once by a rename; nothing in it is ever rewritten.
 */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemCodeOf, unreadable, unwritable } from '../durable-files.ts';
import { CaError } from '../errors.ts';
import { damaged, readAuthority, unlockAuthority } from './authority-folder.ts';
import type { LockedAuthority } from './authority-folder.ts';
import { checkChain, checkKey } from './check-hierarchy.ts';
import type { LockedHierarchy } from './check-hierarchy.ts';
import type { Authority, Hierarchy } from './create-hierarchy.ts';
import { isUnfinished } from './unfinished-folders.ts';

export interface ReadHierarchyOptions {
  /** Opens the private keys. */
  readonly secret: string;
  readonly now: Date;
}

export interface StoredHierarchy extends Hierarchy {
  readonly origin: 'created' | 'loaded' | 'registration-renewed';
  /** Earlier RA certificates that are still valid, latest first: devices may have kept one and encrypt to it. */
  readonly formerRegistrations: readonly Authority[];
  /** Why an RA certificate that is due was not renewed. The one that is there goes on until it ends. */
  readonly renewalProblem?: CaError;
}

/**
 * Reads the hierarchy of a folder and changes nothing.
 *
 * @throws CaError `ca.store_missing` when the folder is missing or empty, `ca.store_damaged`, `ca.wrong_secret`,
 *   `ca.store_unreadable`
 * @example
 * const hierarchy = await readHierarchy('data/ca', { secret, now: new Date() });
 */
export async function readHierarchy(path: string, { secret, now }: ReadHierarchyOptions): Promise<StoredHierarchy> {
  const folder = resolve(path);
  const locked = await readLocked(folder);
  checkChain(locked);
  const [current, ...earlier] = locked.registrations;
  const former = earlier.filter(({ certificate }) => certificate.notAfter.getTime() >= now.getTime());
  const [root, issuing, registration, ...formerRegistrations] = unlockAll(
    [locked.root, locked.issuing, current, ...former],
    secret,
  );
  if (root === undefined || issuing === undefined || registration === undefined) throw damaged(folder, 'is incomplete');
  return { root, issuing, registration, formerRegistrations, origin: 'loaded' };
}

async function readLocked(folder: string): Promise<LockedHierarchy> {
  const entries = await listFolder(folder);
  if (entries.length === 0) {
    throw new CaError('ca.store_missing', `${folder} holds no CA.`, {
      path: folder,
      hint: 'Name the folder that the CA was created in.',
    });
  }
  const numbers = registrationNumbers(entries);
  const [latest, ...earlier] = numbers.map((number) => join(folder, registrationFolder(number)));
  const root = await readAuthority(join(folder, 'root'));
  const issuing = await readAuthority(join(folder, 'issuing'));
  if (latest === undefined) throw damaged(join(folder, registrationFolder(1)), 'is missing');
  const former = await Promise.all(earlier.map((path) => readAuthority(path)));
  return { root, issuing, registrations: [await readAuthority(latest), ...former] };
}

/**
 * One secret opens all keys: when it opens none it is wrong, and when it opens some, the others are damaged or of
 * another CA.
 */
function unlockAll(authorities: readonly LockedAuthority[], secret: string): Authority[] {
  const failures: { authority: LockedAuthority; error: unknown }[] = [];
  const unlocked: Authority[] = [];
  for (const authority of authorities) {
    try {
      const privateKey = unlockAuthority(authority, secret);
      checkKey(authority, privateKey);
      unlocked.push({ certificate: authority.certificate.encoded, privateKey });
    } catch (error) {
      failures.push({ authority, error });
    }
  }
  const other = failures.find(({ error }) => !isWrongSecret(error)) ?? failures[0];
  if (other === undefined) return unlocked;
  if (unlocked.length === 0 || !isWrongSecret(other.error)) throw other.error;
  throw damaged(other.authority.keyPath, 'does not open with the secret that opens the other keys', other.error);
}

function isWrongSecret(error: unknown): boolean {
  return error instanceof CaError && error.code === 'ca.wrong_secret';
}

/** The entries of a folder that may be missing, without what a renewal left unfinished. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((entry) => !isUnfinished(entry));
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return [];
    if (systemCodeOf(error) === 'ENOTDIR') throw unwritable(folder, error);
    throw unreadable(folder, error);
  }
}

/** Latest first. */
export function registrationNumbers(entries: readonly string[]): number[] {
  const numbers = entries.map((entry) => Number(/^registration-([1-9]\d{0,5})$/.exec(entry)?.[1] ?? 0));
  return numbers.filter((number) => number > 0).sort((one, other) => other - one);
}

export function registrationFolder(number: number): string {
  return `registration-${number}`;
}
