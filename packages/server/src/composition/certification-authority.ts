/** The part of the composition root that makes the CA work: its generations, the crypto workers with their keys, its CRLs. */
import { Authorities } from '../authorities/authorities.ts';
import type { AuthoritySet, ServedAuthority } from '../authorities/authority-set.ts';
import { describeAuthority } from '../authorities/describe-authority.ts';
import type { AuthorityDescription } from '../authorities/describe-authority.ts';
import { openAuthorities } from '../authorities/open-authorities.ts';
import type { AuthorityPlace } from '../authorities/open-authorities.ts';
import type { Events } from '../events.ts';
import type { AuthorityAdministration } from '../http/admin/authorities.ts';
import type { PublishedFiles } from '../http/crl-routes.ts';
import type { Opened } from './opened.ts';
import { CrlPublisher } from '../scheduled/crl-publisher.ts';
import { selfTest } from './self-test.ts';
import type { Settings } from '../settings/settings.ts';
import type { Store } from '../store/store.ts';
import { RenewableWorkers } from '../workers/renewable-workers.ts';

export interface CertificationAuthorityOptions extends AuthorityPlace {
  readonly settings: Settings;
  readonly store: Store;
  readonly events: Events;
  /** A CA was staged or activated. */
  readonly onChanged: () => void;
}

export interface CertificationAuthority {
  readonly authorities: Authorities;
  readonly workers: RenewableWorkers;
  readonly crlPublisher: CrlPublisher;
  /** What the admin API is given. */
  readonly administration: AuthorityAdministration;
  /** What verifiers fetch. */
  readonly files: PublishedFiles;
}

/** @throws ServerError, CaError, StoreError */
export async function openCertificationAuthority(
  options: CertificationAuthorityOptions,
  opened: Opened,
): Promise<CertificationAuthority> {
  const { settings, store, events, now, randomBytes } = options;
  const set = await openAuthorities(options, (problem) =>
    events.unexpected('The RA certificate ends soon and could not be renewed.', problem),
  );
  const workers = openWorkers(set, options);
  opened.add(() => workers.close());
  await selfTest(workers, { registration: set.current.keys.registrations[0] }, randomBytes);
  const authorities = new Authorities({
    ...options,
    opened: set,
    useKeys: (keys, { keys: { registrations } }) =>
      workers.replaceKeys(keys, (candidates) => selfTest(candidates, { registration: registrations[0] }, randomBytes)),
    onChanged: (what, authority) => {
      events.authorityChanged(what, authority);
      options.onChanged();
    },
    onUnexpectedError: (error) => events.unexpected('The crypto workers could not be renewed.', error),
  });
  const crlPublisher = new CrlPublisher({
    store,
    workers,
    authorities: () => authorities.set.all,
    now,
    crlValidityMs: settings.limits.crlValidityMs,
  });
  // Without a new CRL there may still be a valid one; devices are served either way.
  await crlPublisher.publishIfDue().catch((error: unknown) => events.unexpected('No CRL could be published.', error));
  return {
    authorities,
    workers,
    crlPublisher,
    administration: administrationOf(authorities, options),
    files: filesOf(authorities, store),
  };
}

function openWorkers(set: AuthoritySet, { settings, events }: CertificationAuthorityOptions): RenewableWorkers {
  return new RenewableWorkers({
    keys: set.workerKeys(),
    workers: settings.limits.workers,
    timeoutMs: settings.limits.workerTimeoutMs,
    onWorkerLost: (error) => events.unexpected('A crypto worker was lost and is replaced.', error),
  });
}

function administrationOf(
  authorities: Authorities,
  { store, settings: { publicUrl } }: CertificationAuthorityOptions,
): AuthorityAdministration {
  const describe = (authority: ServedAuthority): Promise<AuthorityDescription> =>
    describeAuthority(authority, { store, publicUrl });
  return {
    list: () =>
      Promise.all(authorities.set.all.toSorted((one, other) => one.generation - other.generation).map(describe)),
    stage: async () => describe(await authorities.stage()),
    activate: async (fingerprint) => describe(await authorities.activate(fingerprint)),
  };
}

function filesOf(authorities: Authorities, store: Store): PublishedFiles {
  return {
    crl: async (generation) => {
      const authority = authorities.set.ofGeneration(generation);
      return authority && (await store.latestCrl(authority.id))?.encoded;
    },
    issuingCertificate: (generation) => authorities.set.ofGeneration(generation)?.certificate.encoded,
    rootCertificate: authorities.set.root.encoded,
  };
}
