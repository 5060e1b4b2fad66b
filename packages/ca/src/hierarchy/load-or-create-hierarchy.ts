import { basename, dirname, resolve } from 'node:path';
import { unwritable } from '../durable-files.ts';
import { createHierarchy } from './create-hierarchy.ts';
import { generationFolder, generationNumbers, listFolder, readHierarchy } from './read-hierarchy.ts';
import type { Generation, StoredHierarchy } from './read-hierarchy.ts';
import { latestRegistrations, renewIfDue } from './renew-registrations.ts';
import { createWhole, removeLeftovers } from './unfinished-folders.ts';
import { issuingParts, writeParts } from './write-hierarchy.ts';
import type { HierarchyFolderOptions } from './write-hierarchy.ts';

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
  await removeLeftoversOf(folder);
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

/** Of processes that died while they made the hierarchy, a generation or an RA. */
async function removeLeftoversOf(folder: string): Promise<void> {
  const isRegistration = (name: string): boolean => name.startsWith('registration-');
  await removeLeftovers(dirname(folder), (name) => name === basename(folder));
  await removeLeftovers(folder, (name) => isRegistration(name) || name.startsWith('generation-'));
  for (const number of generationNumbers(await listFolder(folder))) {
    await removeLeftovers(generationFolder(folder, number), isRegistration);
  }
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
