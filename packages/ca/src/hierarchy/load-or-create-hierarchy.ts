import { basename, dirname, join, resolve } from 'node:path';
import { decodeCertificate } from '@scepter/x509';
import { unwritable } from '../durable-files.ts';
import { CaError } from '../errors.ts';
import type { KeyEncryptionOptions } from '../key-encryption.ts';
import { writeAuthority } from './authority-folder.ts';
import { createHierarchy, createIssuingAuthority, createNextRegistration } from './create-hierarchy.ts';
import type { Authority, HierarchyOptions, IssuingAuthority } from './create-hierarchy.ts';
import { urlOfGeneration } from './generation-urls.ts';
import {
  generationFolder,
  generationNumbers,
  listFolder,
  readHierarchy,
  registrationFolder,
  registrationNumbers,
} from './read-hierarchy.ts';
import type { Generation, StoredHierarchy } from './read-hierarchy.ts';
import { createWhole, removeLeftovers } from './unfinished-folders.ts';

/** How long before its end an RA certificate is followed by a new one. */
const REGISTRATION_RENEWAL_DAYS = 30;
const DAY_MS = 86_400_000;

export interface HierarchyFolderOptions extends HierarchyOptions, KeyEncryptionOptions {
  /** Encrypts the private keys: 8 characters to 1024 bytes. */
  readonly secret: string;
  /** The generation that issues, 1 when not given: a former CA makes no new RA certificates. */
  readonly currentGeneration?: number;
}

/**
 * Reads the hierarchy of a folder, or creates one there when the folder is missing or empty; follows an RA certificate
 * that ends within 30 days with a new one. Names and key types only matter for what is created. `crlUrls` are the first
 * generation's: those of later ones get their number.
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
  await removeLeftovers(folder, (name) => name.startsWith('registration-') || name.startsWith('generation-'));
  if ((await listFolder(folder)).length === 0) {
    const created = await createFolder(folder, options);
    if (created !== undefined) return created;
  }
  // Looked up before reading: of several processes that find the same RA due, only one can then make the next.
  const latest = await latestRegistrations(folder);
  const loaded = await readHierarchy(folder, options);
  const [first, ...later] = loaded.generations;
  const renew = (generation: Generation): Promise<Generation> =>
    renewIfDue(generation, folder, (latest.get(generation.number) ?? 0) + 1, options);
  const generations: [Generation, ...Generation[]] = [await renew(first), ...(await Promise.all(later.map(renew)))];
  const isRenewed = generations.some(({ registration }, index) => {
    const before = loaded.generations[index];
    return before !== undefined && registration !== before.registration;
  });
  return { ...loaded, generations, origin: isRenewed ? 'registration-renewed' : 'loaded' };
}

/**
 * Adds the next generation to the hierarchy of a folder: a new issuing CA below the same root, with a name, key and RA of
 * its own. It appears whole or not at all; nothing that exists is changed.
 *
 * @param hierarchy what was read from this folder
 * @returns the hierarchy with the new generation at its end
 * @throws CaError as {@link loadOrCreateHierarchy}; `ca.store_unwritable` also when the folder has one more by now
 * @example
 * const { generations } = await addGeneration('data/ca', hierarchy, { secret, organization, now: now(), randomBytes });
 */
export async function addGeneration(
  path: string,
  hierarchy: StoredHierarchy,
  options: HierarchyFolderOptions,
): Promise<StoredHierarchy> {
  const folder = resolve(path);
  await removeLeftovers(folder, (name) => name.startsWith('generation-'));
  const { root, generations } = hierarchy;
  const number = generations.length + 1;
  const target = generationFolder(folder, number);
  const created = await createIssuingAuthority(root, number, ofGeneration(number, options));
  const isOurs = await createWhole(target, options.randomBytes, (unfinished) =>
    writeParts(unfinished, issuingParts(created), options),
  ).catch((cause: unknown) => {
    throw unwritable(target, cause);
  });
  if (isOurs) return { ...hierarchy, generations: [...generations, { number, ...created, formerRegistrations: [] }] };
  throw new CaError('ca.store_unwritable', `${target} exists and is not overwritten.`, {
    path: target,
    hint: 'A generation was added since the CA was read: read it again before adding another.',
  });
}

function ofGeneration(number: number, options: HierarchyFolderOptions): HierarchyFolderOptions {
  const { crlUrls } = options;
  return crlUrls === undefined ? options : { ...options, crlUrls: crlUrls.map((url) => urlOfGeneration(url, number)) };
}

async function createFolder(folder: string, options: HierarchyFolderOptions): Promise<StoredHierarchy | undefined> {
  const { root, ...issuing } = await createHierarchy(options);
  const isOurs = await createWhole(folder, options.randomBytes, (unfinished) =>
    writeParts(unfinished, [['root', root], ...issuingParts(issuing)], options),
  ).catch((cause: unknown) => {
    throw unwritable(folder, cause);
  });
  if (!isOurs) return undefined;
  return { root, generations: [{ number: 1, ...issuing, formerRegistrations: [] }], origin: 'created' };
}

type Part = readonly [folder: string, authority: Authority];

function issuingParts({ issuing, registration }: IssuingAuthority): Part[] {
  const parts: Part[] = [['issuing', issuing]];
  if (registration !== issuing) parts.push([registrationFolder(1), registration]);
  return parts;
}

async function writeParts(folder: string, parts: readonly Part[], options: HierarchyFolderOptions): Promise<void> {
  for (const [name, authority] of parts) await writeAuthority(join(folder, name), authority, options.secret, options);
}

async function renewIfDue(
  generation: Generation,
  folder: string,
  nextNumber: number,
  options: HierarchyFolderOptions,
): Promise<Generation> {
  const isFormer = generation.number < (options.currentGeneration ?? 1);
  if (isFormer || !isRenewalDue(generation, options.now)) return generation;
  const next = join(generationFolder(folder, generation.number), registrationFolder(nextNumber));
  return renewRegistration(next, generation, ofGeneration(generation.number, options), folder);
}

function isRenewalDue({ registration, issuing }: IssuingAuthority, now: Date): boolean {
  const dueMs = now.getTime() + REGISTRATION_RENEWAL_DAYS * DAY_MS;
  // An RA never outlives its CA: at the CA's end a new one would not last longer.
  return registration !== issuing && endOf(registration) < dueMs && endOf(issuing) > dueMs;
}

async function renewRegistration(
  next: string,
  generation: Generation,
  options: HierarchyFolderOptions,
  folder: string,
): Promise<Generation> {
  const hasEnded = endOf(generation.registration) < options.now.getTime();
  try {
    const registration = await createNextRegistration(generation, options);
    const isOurs = await createWhole(next, options.randomBytes, (unfinished) =>
      writeAuthority(unfinished, registration, options.secret, options),
    );
    if (!isOurs) return await readAgain(folder, generation, options);
    const former = hasEnded ? [] : [generation.registration];
    return { ...generation, registration, formerRegistrations: [...former, ...generation.formerRegistrations] };
  } catch (cause) {
    const problem = unwritable(next, cause);
    if (hasEnded) throw problem;
    return { ...generation, renewalProblem: problem };
  }
}

/** Somebody else renewed: theirs counts. */
async function readAgain(folder: string, generation: Generation, options: HierarchyFolderOptions): Promise<Generation> {
  const { generations } = await readHierarchy(folder, options);
  return generations.find(({ number }) => number === generation.number) ?? generation;
}

async function latestRegistrations(folder: string): Promise<ReadonlyMap<number, number>> {
  const numbers = [1, ...generationNumbers(await listFolder(folder))];
  const latest = numbers.map(async (number): Promise<[number, number]> => {
    const [registration = 0] = registrationNumbers(await listFolder(generationFolder(folder, number)));
    return [number, registration];
  });
  return new Map(await Promise.all(latest));
}

function endOf({ certificate }: Authority): number {
  return decodeCertificate(certificate).notAfter.getTime();
}
