/**
 * The CAs of a running server, and the change from one to the next: staged, then activated. Nothing is restarted; requests
 * that are in work end as they began.
 */
import { addGeneration } from '@scepter/ca';
import type { StoredHierarchy } from '@scepter/ca';
import type { PublicKeyInfo } from '@scepter/x509';
import type { IssuingAuthorities, IssuingAuthority } from '../enrollment/issuing-authorities.ts';
import type { WorkerKeys } from '../workers/jobs.ts';
import { AuthorityError } from './authority-error.ts';
import { AuthoritySet } from './authority-set.ts';
import type { ServedAuthority } from './authority-set.ts';
import { agree, hierarchyOptions } from './open-authorities.ts';
import type { AuthorityPlace } from './open-authorities.ts';
import { invalidity, unsuitability } from './suitability.ts';

export interface AuthoritiesParts extends AuthorityPlace {
  /** What the server started with. */
  readonly opened: AuthoritySet;
  /** Hands the keys to the crypto workers, and proves that the last of these RAs can be worked with. */
  readonly useKeys: (keys: WorkerKeys, newest: ServedAuthority) => Promise<void>;
  /** A CA was added or has changed its state; its CRL may be due. */
  readonly onChanged: (what: 'staged' | 'activated', authority: ServedAuthority) => void;
  /** Hears of what does not keep an activation from being done. */
  readonly onUnexpectedError: (error: unknown) => void;
}

export class Authorities implements IssuingAuthorities {
  readonly #parts: AuthoritiesParts;
  #set: AuthoritySet;
  /** A next CA that is in the folder, though it could not be recorded yet. */
  #unrecorded: StoredHierarchy | undefined;
  /** One change after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(parts: AuthoritiesParts) {
    this.#parts = parts;
    this.#set = parts.opened;
  }

  /** As they stand now. Whoever needs two answers that fit together asks the same set for both. */
  get set(): AuthoritySet {
    return this.#set;
  }

  get all(): readonly IssuingAuthority[] {
    return this.#set.all;
  }

  issuerFor(addressed: string): IssuingAuthority {
    return this.#set.issuerFor(addressed);
  }

  forbiddenKeys(): readonly PublicKeyInfo[] {
    return this.#set.forbiddenKeys();
  }

  /**
   * Makes the next CA and tells clients of it. It issues to those that encrypt to its RA; all others go on as before.
   *
   * @throws AuthorityError `authority.next_exists`, `authority.unsuitable`; CaError; StoreError
   */
  stage(): Promise<ServedAuthority> {
    return this.#inTurn(async () => {
      if (this.#set.next !== undefined) {
        throw new AuthorityError('authority.next_exists', 'A next CA is staged already: activate it first.');
      }
      this.#refuseUnfitSettings();
      const staged = await this.#add();
      const { next } = staged;
      if (next === undefined) throw new Error('What was staged is not there.');
      await this.#parts.useKeys(staged.workerKeys(), next);
      this.#set = staged;
      this.#unrecorded = undefined;
      this.#parts.onChanged('staged', next);
      return next;
    });
  }

  /**
   * Lets the next CA issue, and the current one no more. The moment is that of one transaction in the database.
   *
   * @param fingerprint when given, nothing is activated unless it is that of the staged CA
   * @throws AuthorityError `authority.none_staged`, `authority.other_staged`, `authority.unsuitable`; StoreError
   */
  activate(fingerprint?: string): Promise<ServedAuthority> {
    return this.#inTurn(async () => {
      const { next } = this.#set;
      if (next === undefined) throw new AuthorityError('authority.none_staged', 'No next CA is staged.');
      if (fingerprint !== undefined && fingerprint !== next.id) {
        throw new AuthorityError('authority.other_staged', `The CA that is staged has the fingerprint ${next.id}.`);
      }
      const { store, settings, now } = this.#parts;
      const problem = unsuitability(next, settings.endpoints) ?? invalidity(next, now());
      if (problem !== undefined) throw new AuthorityError('authority.unsuitable', problem);
      const isActivated = await store.activateAuthority(next.id, now());
      const stored = await store.listAuthorities();
      // An earlier attempt may have been made durable, and have failed before it was seen here.
      if (!isActivated && !stored.some(({ id, state }) => id === next.id && state === 'current')) {
        throw new AuthorityError('authority.none_staged', 'No next CA is staged.');
      }
      // The workers have its keys since it was staged: from here on it issues, whatever happens to what follows.
      this.#set = new AuthoritySet(this.#set.hierarchy, stored);
      const { current } = this.#set;
      await this.#parts.useKeys(this.#set.workerKeys(), current).catch(this.#parts.onUnexpectedError);
      this.#parts.onChanged('activated', current);
      return current;
    });
  }

  /** First into the folder, then into the database: a process that dies in between finds it there when it starts. */
  async #add(): Promise<AuthoritySet> {
    const { folder, store } = this.#parts;
    const options = hierarchyOptions(this.#parts, this.#set.current.generation);
    const hierarchy = this.#unrecorded ?? (await addGeneration(folder.authorityFolder, this.#set.hierarchy, options));
    this.#unrecorded = hierarchy;
    const stored = await agree(hierarchy, await store.listAuthorities(), this.#parts);
    return new AuthoritySet(hierarchy, stored);
  }

  /** Before there is a CA that could then not be activated, and never be removed. */
  #refuseUnfitSettings(): void {
    const { authority, endpoints } = this.#parts.settings;
    const single = endpoints.find(({ caCertificates }) => caCertificates === 'single');
    if (single === undefined || authority.registration === 'none') return;
    const sentence = `The endpoint ${single.name} gives out a single CA certificate, but the next CA would have an RA.`;
    throw new AuthorityError('authority.unsuitable', sentence);
  }

  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#changing.then(change);
    this.#changing = result.catch(() => undefined);
    return result;
  }
}
