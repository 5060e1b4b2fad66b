/*
 * A hierarchy on disk:
 *
 *   root/            certificate.pem, private-key.pem
 *   issuing/         …
 *   registration-1/  …   then registration-2/ and so on: a renewed RA never overwrites the one before
 *   generation-2/        the next issuing CA, likewise with issuing/, registration-1/ and so on; then generation-3/
 *
 * Without an RA there is no registration folder: the issuing CA decrypts for itself. The whole folder, each later
 * registration folder and each generation folder appear at once by a rename; nothing in them is ever rewritten. Which
 * generation issues is not said here: whoever uses the folder decides.
 */
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { systemCodeOf, unreadable, unwritable } from '../durable-files.ts';
import { CaError } from '../errors.ts';
import { damaged, readAuthority, unlockAuthority } from './authority-folder.ts';
import type { LockedAuthority } from './authority-folder.ts';
import { checkChains, checkKey } from './check-hierarchy.ts';
import type { LockedGeneration, LockedHierarchy } from './check-hierarchy.ts';
import type { Authority, IssuingAuthority } from './create-hierarchy.ts';
import { isUnfinished } from './unfinished-folders.ts';

export interface ReadHierarchyOptions {
  /** Opens the private keys. */
  readonly secret: string;
  readonly now: Date;
}

/** One of the issuing CAs that follow each other under one root, with its RA. */
export interface Generation extends IssuingAuthority {
  /** 1, 2, and so on, in the order of their creation. */
  readonly number: number;
  /** Earlier RA certificates that are still valid, latest first: devices may have kept one and encrypt to it. */
  readonly formerRegistrations: readonly Authority[];
  /** Why an RA certificate that is due was not renewed. The one that is there goes on until it ends. */
  readonly renewalProblem?: CaError;
}

export interface StoredHierarchy {
  readonly origin: 'created' | 'loaded' | 'registration-renewed';
  readonly root: Authority;
  /** The first one first. */
  readonly generations: readonly [Generation, ...Generation[]];
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
  checkChains(locked);
  const generations = locked.generations.map((generation) => withoutEnded(generation, now));
  const keys = unlockAll([locked.root, ...generations.flatMap(partsOf)], secret);
  const open = (part: LockedAuthority): Authority => {
    const authority = keys.get(part);
    if (authority === undefined) throw damaged(part.folder, 'is incomplete');
    return authority;
  };
  const [first, ...later] = generations.map((generation) => openGeneration(generation, open));
  if (first === undefined) throw damaged(folder, 'is incomplete');
  return { root: open(locked.root), generations: [first, ...later], origin: 'loaded' };
}

async function readLocked(folder: string): Promise<LockedHierarchy> {
  const entries = await listFolder(folder);
  if (entries.length === 0) {
    throw new CaError('ca.store_missing', `${folder} holds no CA.`, {
      path: folder,
      hint: 'Name the folder that the CA was created in.',
    });
  }
  const root = await readAuthority(join(folder, 'root'));
  const generations = [await readGeneration(folder, 1)];
  for (const [index, number] of generationNumbers(entries).entries()) {
    // They were made one after the other: a gap is a folder that was lost.
    if (number !== index + 2) throw damaged(generationFolder(folder, index + 2), 'is missing');
    generations.push(await readGeneration(generationFolder(folder, number), number));
  }
  return { root, generations };
}

async function readGeneration(folder: string, number: number): Promise<LockedGeneration> {
  const issuing = await readAuthority(join(folder, 'issuing'));
  const numbers = registrationNumbers(await listFolder(folder));
  const registrations = await Promise.all(
    numbers.map((registration) => readAuthority(join(folder, registrationFolder(registration)))),
  );
  return { number, folder, issuing, registrations };
}

/** Earlier RA certificates that have ended serve nobody. */
function withoutEnded({ registrations, ...generation }: LockedGeneration, now: Date): LockedGeneration {
  const isUseful = ({ certificate }: LockedAuthority): boolean => certificate.notAfter.getTime() >= now.getTime();
  return { ...generation, registrations: registrations.filter((each, index) => index === 0 || isUseful(each)) };
}

function partsOf({ issuing, registrations }: LockedGeneration): LockedAuthority[] {
  return [issuing, ...registrations];
}

function openGeneration(
  { number, issuing, registrations: [current = issuing, ...former] }: LockedGeneration,
  open: (part: LockedAuthority) => Authority,
): Generation {
  return { number, issuing: open(issuing), registration: open(current), formerRegistrations: former.map(open) };
}

/**
 * One secret opens all keys: when it opens none it is wrong, and when it opens some, the others are damaged or of
 * another CA.
 */
function unlockAll(authorities: readonly LockedAuthority[], secret: string): ReadonlyMap<LockedAuthority, Authority> {
  const failures: { authority: LockedAuthority; error: unknown }[] = [];
  const unlocked = new Map<LockedAuthority, Authority>();
  for (const authority of authorities) {
    try {
      const privateKey = unlockAuthority(authority, secret);
      checkKey(authority, privateKey);
      unlocked.set(authority, { certificate: authority.certificate.encoded, privateKey });
    } catch (error) {
      failures.push({ authority, error });
    }
  }
  const other = failures.find(({ error }) => !isWrongSecret(error)) ?? failures[0];
  if (other === undefined) return unlocked;
  if (unlocked.size === 0 || !isWrongSecret(other.error)) throw other.error;
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

/** In ascending order, without the first generation, which has no folder of its own. */
export function generationNumbers(entries: readonly string[]): number[] {
  const numbers = entries.map((entry) => Number(/^generation-([1-9]\d{0,3})$/.exec(entry)?.[1] ?? 0));
  return numbers.filter((number) => number > 1).sort((one, other) => one - other);
}

/** @param folder the hierarchy's */
export function generationFolder(folder: string, number: number): string {
  return number === 1 ? folder : join(folder, `generation-${number}`);
}
