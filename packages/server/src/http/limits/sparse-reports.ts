/** Tells of each thing once in a while: a flood must not become a flood of log lines. */

export interface SparseReportsOptions {
  readonly everyMs: number;
  /** Beyond so many different things in that time, none is told. */
  readonly keys: number;
  readonly monotonicMs: () => number;
}

export class SparseReports {
  readonly #options: SparseReportsOptions;
  /** When each was told, the oldest first. */
  readonly #toldAt = new Map<string, number>();

  constructor(options: SparseReportsOptions) {
    this.#options = options;
  }

  /** Whether to tell it now. */
  isDue(key: string): boolean {
    const now = this.#options.monotonicMs();
    for (const [told, at] of this.#toldAt) {
      if (now - at < this.#options.everyMs) break;
      this.#toldAt.delete(told);
    }
    if (this.#toldAt.has(key) || this.#toldAt.size >= this.#options.keys) return false;
    this.#toldAt.set(key, now);
    return true;
  }
}
