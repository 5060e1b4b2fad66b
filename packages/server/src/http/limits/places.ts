/** Places for work that is going on, overall and for each client. */

export interface PlacesOptions {
  readonly overall: number;
  readonly perClient: number;
}

export type Refused = 'client' | 'overall';

export class Places {
  readonly #options: PlacesOptions;
  /** Only who has a place is in it. */
  readonly #taken = new Map<string, number>();
  #overall = 0;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /** Takes a place, or says whose places are all taken. Who got one must `leave` it. */
  enter(client: string): Refused | undefined {
    const own = this.#taken.get(client) ?? 0;
    if (own >= this.#options.perClient) return 'client';
    if (this.#overall >= this.#options.overall) return 'overall';
    this.#taken.set(client, own + 1);
    this.#overall += 1;
    return undefined;
  }

  leave(client: string): void {
    const own = this.#taken.get(client) ?? 0;
    if (own <= 1) this.#taken.delete(client);
    else this.#taken.set(client, own - 1);
    this.#overall -= 1;
  }

  get taken(): number {
    return this.#overall;
  }
}
