/** Crypto workers whose keys change while they work: new ones take over, the old ones finish what they were given. */
import type { CryptoWorkers, JobName, Jobs, WorkerKeys } from './jobs.ts';
import { WorkerPool } from './worker-pool.ts';
import type { WorkerPoolOptions } from './worker-pool.ts';

interface Crew {
  readonly pool: WorkerPool;
  readonly running: Set<Promise<unknown>>;
}

async function settled(job: Promise<unknown>): Promise<void> {
  await Promise.allSettled([job]);
}

export class RenewableWorkers implements CryptoWorkers {
  readonly #options: Omit<WorkerPoolOptions, 'keys'>;
  readonly #leaving = new Set<Promise<void>>();
  #crew: Crew;
  #closed = false;

  constructor({ keys, ...options }: WorkerPoolOptions) {
    this.#options = options;
    this.#crew = this.#hire(keys);
  }

  run<Name extends JobName>(name: Name, input: Jobs[Name]['takes']): Promise<Jobs[Name]['gives']> {
    const { pool, running } = this.#crew;
    const job = pool.run(name, input);
    const done = settled(job);
    running.add(done);
    return job.finally(() => running.delete(done));
  }

  /**
   * @param check what the new workers must be able to do before they take over
   * @throws what `check` throws; the old workers then go on
   */
  async replaceKeys(keys: WorkerKeys, check: (workers: CryptoWorkers) => Promise<void>): Promise<void> {
    const crew = this.#hire(keys);
    try {
      await check(crew.pool);
    } catch (error) {
      await crew.pool.close();
      throw error;
    }
    if (this.#closed) return crew.pool.close();
    const former = this.#crew;
    this.#crew = crew;
    const left = Promise.all(former.running)
      .then(() => former.pool.close())
      .finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }

  /** Resolves when every worker has ended. Jobs that are not done fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#crew.pool.close(), ...this.#leaving]);
  }

  #hire(keys: WorkerKeys): Crew {
    return { pool: new WorkerPool({ ...this.#options, keys }), running: new Set() };
  }
}
