import { IntuneNetworkError } from './errors.ts';

/** The life of a client: what is running, and the end of it. */
export class Lifetime {
  readonly #closing = new AbortController();
  readonly #closed = new AbortController();
  readonly #calls = new Set<Promise<unknown>>();
  readonly #flights = new Set<Promise<unknown>>();

  /** Aborted when the client is being closed: nobody waits for better times, or renews anything, any more. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Aborted when the last call has ended: nobody needs what is still being fetched. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get isOver(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Notes a call, which may end in peace. */
  async runCall<T>(work: Promise<T>): Promise<T> {
    return track(this.#calls, work);
  }

  /** Notes something that is fetched for whoever waits for it. */
  async runFlight<T>(work: Promise<T>): Promise<T> {
    return track(this.#flights, work);
  }

  /** Ends waits, and resolves when everything that runs has settled. */
  async end(): Promise<void> {
    const reason = new IntuneNetworkError('The client has been closed', { reason: 'closed' });
    this.#closing.abort(reason);
    await settle(this.#calls);
    this.#closed.abort(reason);
    await settle(this.#flights);
  }
}

async function track<T>(running: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  running.add(work);
  try {
    return await work;
  } finally {
    running.delete(work);
  }
}

async function settle(running: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (running.size > 0) {
    await Promise.allSettled(running);
  }
}
