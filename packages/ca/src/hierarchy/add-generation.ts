import { resolve } from 'node:path';
import { unwritable } from '../durable-files.ts';
import { CaError } from '../errors.ts';
import { createIssuingAuthority } from './create-hierarchy.ts';
import { generationFolder } from './read-hierarchy.ts';
import type { StoredHierarchy } from './read-hierarchy.ts';
import { createWhole, removeLeftovers } from './unfinished-folders.ts';
import { issuingParts, ofGeneration, writeParts } from './write-hierarchy.ts';
import type { HierarchyFolderOptions } from './write-hierarchy.ts';

/**
 * Adds the next generation to the hierarchy of a folder: a new issuing CA below the same root, with a name, key and RA of
 * its own. It appears whole or not at all; nothing that exists is changed.
 *
 * @param hierarchy what was read from this folder
 * @returns the hierarchy with the new generation at its end
 * @throws CaError as `loadOrCreateHierarchy`; `ca.store_unwritable` also when the folder has one more by now
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
