/** Keeps a current CRL in the store: at start, at half of its life, and at each revocation. */
import { decodeCertificateList, toHex } from '@scepter/x509';
import type { CertificateRevocation, Store, StoredCrl } from '../store/store.ts';
import type { CryptoWorkers } from '../workers/jobs.ts';

/** Verifiers' clocks may be behind ours. */
const BACKDATE_MS = 3_600_000;

export interface CrlPublisherParts {
  readonly store: Pick<Store, 'listRevocations' | 'latestCrl' | 'saveCrl'>;
  readonly workers: CryptoWorkers;
  readonly now: () => Date;
  readonly crlValidityMs: number;
}

export class CrlPublisher {
  readonly #parts: CrlPublisherParts;

  constructor(parts: CrlPublisherParts) {
    this.#parts = parts;
  }

  /** Signs a new CRL when the newest one is past half of its life, lists less than is revoked, or is missing. */
  async publishIfDue(): Promise<boolean> {
    const { store, now, crlValidityMs } = this.#parts;
    const latest = await store.latestCrl();
    const revocations = await this.#revocations();
    const isFresh = latest !== undefined && now().getTime() < latest.nextUpdate.getTime() - crlValidityMs / 2;
    if (isFresh && listsAll(latest, revocations)) return false;
    await this.#publish(latest);
    return true;
  }

  async #publish(latest: StoredCrl | undefined): Promise<void> {
    const { store, workers, now, crlValidityMs } = this.#parts;
    // RFC 5280 5.1.2.4: no fractions of a second.
    const at = Math.floor(now().getTime() / 1000) * 1000;
    const crl = {
      crlNumber: (latest?.crlNumber ?? 0n) + 1n,
      thisUpdate: new Date(at - BACKDATE_MS),
      nextUpdate: new Date(at + crlValidityMs),
    };
    const encoded = await workers.run('crl', { ...crl, revoked: await this.#revocations() });
    await store.saveCrl({ ...crl, encoded });
  }

  /** RFC 5280 3.3: a revoked certificate appears on one CRL that is issued after its end. */
  #revocations(): Promise<CertificateRevocation[]> {
    const { store, now, crlValidityMs } = this.#parts;
    return store.listRevocations(new Date(now().getTime() - crlValidityMs));
  }
}

function listsAll(crl: StoredCrl, revocations: readonly CertificateRevocation[]): boolean {
  const listed = new Set(
    decodeCertificateList(crl.encoded).revoked.map(({ serialNumber }) => toHex(serialNumber).toUpperCase()),
  );
  return revocations.every(({ serialNumber }) => listed.has(serialNumber));
}
