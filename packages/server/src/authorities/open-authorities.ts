/** From the folder of keys and the database to the CAs that a server starts with. */
import { loadOrCreateHierarchy } from '@scepter/ca';
import type { HierarchyFolderOptions, StoredHierarchy } from '@scepter/ca';
import type { DataFolder } from '../data-folder.ts';
import type { Settings } from '../settings/settings.ts';
import { authorityLost, authorityUnsuitable } from '../startup-error.ts';
import type { Store, StoredAuthority } from '../store/store.ts';
import { AuthoritySet, fingerprintOf } from './authority-set.ts';
import { unsuitability } from './suitability.ts';

export interface AuthorityPlace {
  readonly settings: Pick<Settings, 'authority' | 'publicUrl' | 'endpoints'>;
  readonly folder: Pick<DataFolder, 'path' | 'authorityFolder' | 'hasAuthority' | 'masterSecret'>;
  readonly store: Pick<Store, 'listAuthorities' | 'addAuthority' | 'activateAuthority'>;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
}

/**
 * Loads the CA, or creates it at the first start, and sees that the database is this CA's: without the other, neither may
 * go on as if it were new.
 *
 * A next CA appears in the folder first and is then recorded as staged; of a process that died in between, this finishes
 * the work. Which generation issues is said by the database alone, in one transaction.
 *
 * @throws ServerError, CaError, StoreError
 */
export async function openAuthorities(
  place: AuthorityPlace,
  onRenewalProblem: (problem: Error) => void,
): Promise<AuthoritySet> {
  const { folder, settings, store } = place;
  const known = await store.listAuthorities();
  if (known.length > 0 && !folder.hasAuthority) throw authorityLost(folder.path);
  const current = known.find(({ state }) => state === 'current');
  const options = hierarchyOptions(place, current?.generation ?? 1);
  const hierarchy = await loadOrCreateHierarchy(folder.authorityFolder, options);
  const authorities = new AuthoritySet(hierarchy, await agree(hierarchy, known, place));
  // A CA that has ended does start: the next one can only be staged while the server runs.
  const problem = unsuitability(authorities.current, settings.endpoints);
  if (problem !== undefined) throw authorityUnsuitable(problem);
  for (const { renewalProblem } of hierarchy.generations) {
    if (renewalProblem !== undefined) onRenewalProblem(renewalProblem);
  }
  return authorities;
}

/** @returns what the database knows of the folder's generations, all of them */
export async function agree(
  { generations }: Pick<StoredHierarchy, 'generations'>,
  known: readonly StoredAuthority[],
  { folder, store, now }: Pick<AuthorityPlace, 'folder' | 'store' | 'now'>,
): Promise<StoredAuthority[]> {
  const ids = new Map(generations.map((generation) => [generation.number, fingerprintOf(generation.issuing)]));
  if (known.some(({ generation, id }) => ids.get(generation) !== id)) throw authorityLost(folder.path);
  for (const [generation, id] of ids) await store.addAuthority({ id, generation, addedAt: now() });
  return store.listAuthorities();
}

/** What new keys and certificates are made from. */
export function hierarchyOptions(
  { settings: { authority, publicUrl }, folder, now, randomBytes }: Omit<AuthorityPlace, 'store'>,
  currentGeneration: number,
): HierarchyFolderOptions {
  return {
    secret: folder.masterSecret,
    organization: authority.organization,
    commonNamePrefix: authority.commonNamePrefix,
    keyTypes: authority.keys,
    registrationAuthority: authority.registration,
    crlUrls: [`${publicUrl}/crl/issuing.crl`],
    currentGeneration,
    now: now(),
    randomBytes,
  };
}
