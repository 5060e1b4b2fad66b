/** Keeps a current CRL of each CA in the store: at start, at half of its life, and at each revocation. */
import type { Store, StoredCrl } from '../store/store.ts';
import type { CryptoWorkers } from '../workers/jobs.ts';

/** Verifiers' clocks may be behind ours. */
const BACKDATE_MS = 3_600_000;

/** A CA that may have something to revoke. */
export interface CrlAuthority {
  readonly id: string;
  readonly state: 'next' | 'current' | 'former';
  readonly certificate: { readonly notAfter: Date };
  /** The end of its last RA certificate, which it issued too; undefined where there is no RA. */
  readonly registrationNotAfter: Date | undefined;
}

export interface CrlPublisherParts {
  readonly store: Pick<
    Store,
    'listRevocations' | 'revocationRevision' | 'latestCrl' | 'saveCrl' | 'lastCertificateEnd'
  >;
  readonly workers: CryptoWorkers;
  /** All generations, as they stand now. */
  readonly authorities: () => readonly CrlAuthority[];
  readonly now: () => Date;
  readonly crlValidityMs: number;
}

export class CrlPublisher {
  readonly #parts: CrlPublisherParts;

  constructor(parts: CrlPublisherParts) {
    this.#parts = parts;
  }

  /**
   * Signs a new CRL of each CA whose newest one is past half of its life, older than a revocation, or missing.
   *
   * @returns whether there was one
   * @throws the first error, when all CAs had their turn: one that cannot sign must not keep back the others
   */
  async publishIfDue(): Promise<boolean> {
    const outcomes = await Promise.allSettled(this.#parts.authorities().map((authority) => this.#attend(authority)));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value);
  }

  async #attend(authority: CrlAuthority): Promise<boolean> {
    const { store, now, crlValidityMs } = this.#parts;
    const latest = await store.latestCrl(authority.id);
    // Read before the revocations are listed: one that comes in between may be listed, and makes the next CRL due.
    const revision = await store.revocationRevision();
    const isFresh = latest !== undefined && now().getTime() < latest.nextUpdate.getTime() - crlValidityMs / 2;
    if (isFresh && latest.revision === revision) return false;
    if (!(await this.#isInUse(authority))) return false;
    await this.#publish(authority.id, latest, revision);
    return true;
  }

  /** A former CA goes on until what it issued has ended, and one CRL longer (RFC 5280 3.3). */
  async #isInUse({ id, state, certificate, registrationNotAfter }: CrlAuthority): Promise<boolean> {
    const { store, now, crlValidityMs } = this.#parts;
    if (now() > certificate.notAfter) return false;
    if (state !== 'former') return true;
    const ends = [await store.lastCertificateEnd(id), registrationNotAfter].map((end) => end?.getTime() ?? 0);
    return now().getTime() <= Math.max(...ends) + crlValidityMs;
  }

  async #publish(authority: string, latest: StoredCrl | undefined, revision: number): Promise<void> {
    const { store, workers, now, crlValidityMs } = this.#parts;
    // RFC 5280 5.1.2.4: no fractions of a second.
    const at = Math.floor(now().getTime() / 1000) * 1000;
    const crl = {
      authority,
      crlNumber: (latest?.crlNumber ?? 0n) + 1n,
      thisUpdate: new Date(at - BACKDATE_MS),
      nextUpdate: new Date(at + crlValidityMs),
    };
    // RFC 5280 3.3: a revoked certificate appears on one CRL that is issued after its end.
    const revoked = await store.listRevocations(authority, new Date(at - crlValidityMs));
    const encoded = await workers.run('crl', { ...crl, revoked });
    await store.saveCrl({ ...crl, encoded, revision });
  }
}
