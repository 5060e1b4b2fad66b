/** Keeps a current CRL in the store: at start, at half of its life, and at each revocation. */
import type { Store, StoredCrl } from '../store/store.ts';
import type { CryptoWorkers } from '../workers/jobs.ts';

/** Verifiers' clocks may be behind ours. */
const BACKDATE_MS = 3_600_000;

export interface CrlPublisherParts {
  readonly store: Pick<Store, 'listRevocations' | 'revocationRevision' | 'latestCrl' | 'saveCrl'>;
  readonly workers: CryptoWorkers;
  readonly now: () => Date;
  readonly crlValidityMs: number;
}

export class CrlPublisher {
  readonly #parts: CrlPublisherParts;

  constructor(parts: CrlPublisherParts) {
    this.#parts = parts;
  }

  /** Signs a new CRL when the newest one is past half of its life, older than a revocation, or missing. */
  async publishIfDue(): Promise<boolean> {
    const { store, now, crlValidityMs } = this.#parts;
    const latest = await store.latestCrl();
    // Read before the revocations are listed: one that comes in between may be listed, and makes the next CRL due.
    const revision = await store.revocationRevision();
    const isFresh = latest !== undefined && now().getTime() < latest.nextUpdate.getTime() - crlValidityMs / 2;
    if (isFresh && latest.revision === revision) return false;
    await this.#publish(latest, revision);
    return true;
  }

  async #publish(latest: StoredCrl | undefined, revision: number): Promise<void> {
    const { store, workers, now, crlValidityMs } = this.#parts;
    // RFC 5280 5.1.2.4: no fractions of a second.
    const at = Math.floor(now().getTime() / 1000) * 1000;
    const crl = {
      crlNumber: (latest?.crlNumber ?? 0n) + 1n,
      thisUpdate: new Date(at - BACKDATE_MS),
      nextUpdate: new Date(at + crlValidityMs),
    };
    // RFC 5280 3.3: a revoked certificate appears on one CRL that is issued after its end.
    const revoked = await store.listRevocations(new Date(at - crlValidityMs));
    const encoded = await workers.run('crl', { ...crl, revoked });
    await store.saveCrl({ ...crl, encoded, revision });
  }
}
