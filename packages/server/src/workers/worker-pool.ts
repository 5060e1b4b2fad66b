/**
 * A fixed number of crypto workers and a bounded queue before them. A worker that dies or exceeds its time is replaced.
 * The job it was at fails, for it may be the reason; those that waited behind it go to another worker: no job has effects
 * of its own.
 */
import { Worker } from 'node:worker_threads';
import type { CryptoWorkers, JobName, Jobs, WorkerKeys } from './jobs.ts';
import { WorkerError } from './worker-error.ts';

export interface WorkerRequest {
  readonly id: number;
  readonly name: JobName;
  readonly input: unknown;
}

export type WorkerResponse =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

interface Job extends WorkerRequest {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: WorkerError) => void;
}

interface Seat {
  /** Absent while a replacement waits to be started. */
  worker: Worker | undefined;
  readonly jobs: Map<number, Job>;
  /** How many workers in a row died here without finishing a job. */
  losses: number;
  timer: NodeJS.Timeout | undefined;
}

/** Two at once for each worker: the next job is already there when one is done. */
const JOBS_IN_A_WORKER = 2;
/** What waits longer than this many jobs would time out at the client. */
const LONGEST_QUEUE = 4096;
/** A CRL of some hundred thousand entries takes seconds, and nobody waits for it at a socket. */
const CRL_TIMEOUT_MS = 120_000;
/** A worker that cannot even start must not be started in a tight circle. */
const RESTART_DELAY_MS = 1_000;

export interface WorkerPoolOptions {
  readonly keys: WorkerKeys;
  readonly workers: number;
  /** One job. */
  readonly timeoutMs: number;
  /** Hears of workers that died or hung. */
  readonly onWorkerLost: (error: WorkerError) => void;
}

export class WorkerPool implements CryptoWorkers {
  readonly #options: WorkerPoolOptions;
  readonly #seats: Seat[];
  #queue: Job[] = [];
  #nextId = 1;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#seats = Array.from({ length: options.workers }, () => this.#newSeat());
  }

  run<Name extends JobName>(name: Name, input: Jobs[Name]['takes']): Promise<Jobs[Name]['gives']> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(new WorkerError('worker.closed', 'The server is stopping.'));
      if (this.#queue.length >= LONGEST_QUEUE)
        return reject(new WorkerError('worker.queue_full', 'Too much work waits.'));
      const id = this.#nextId++;
      this.#queue.push({ id, name, input, resolve: resolve as (result: unknown) => void, reject });
      this.#dispatch();
    });
  }

  /** Resolves when every worker has ended. Jobs that are not done fail. */
  async close(): Promise<void> {
    this.#closed = true;
    const error = new WorkerError('worker.closed', 'The server is stopping.');
    for (const job of this.#queue.splice(0)) job.reject(error);
    await Promise.all(
      this.#seats.map(async (seat) => {
        clearTimeout(seat.timer);
        await seat.worker?.terminate();
        failAll(seat, error);
      }),
    );
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const seat = this.#idlestSeat();
      const job = seat === undefined ? undefined : this.#queue.shift();
      if (seat?.worker === undefined || job === undefined) return;
      seat.jobs.set(job.id, job);
      if (seat.jobs.size === 1) this.#watch(seat);
      seat.worker.postMessage({ id: job.id, name: job.name, input: job.input } satisfies WorkerRequest);
    }
  }

  #idlestSeat(): Seat | undefined {
    const open = this.#seats.filter(({ worker, jobs }) => worker !== undefined && jobs.size < JOBS_IN_A_WORKER);
    return open.toSorted((one, other) => one.jobs.size - other.jobs.size)[0];
  }

  #newSeat(): Seat {
    const seat: Seat = { worker: undefined, jobs: new Map(), losses: 0, timer: undefined };
    this.#start(seat);
    return seat;
  }

  #start(seat: Seat): void {
    const file = new URL(
      import.meta.url.endsWith('.ts') ? './crypto-worker.ts' : './crypto-worker.js',
      import.meta.url,
    );
    const worker = new Worker(file, { workerData: this.#options.keys });
    seat.worker = worker;
    worker.on('message', (response: WorkerResponse) => this.#finish(seat, response));
    worker.on('error', (error) => {
      if (seat.worker === worker)
        this.#replace(seat, new WorkerError('worker.died', `A crypto worker died: ${error.name}`));
    });
    worker.on('exit', () => {
      if (seat.worker === worker) this.#replace(seat, new WorkerError('worker.died', 'A crypto worker ended.'));
    });
  }

  #finish(seat: Seat, response: WorkerResponse): void {
    const job = seat.jobs.get(response.id);
    if (job === undefined) return;
    seat.jobs.delete(response.id);
    seat.losses = 0;
    clearTimeout(seat.timer);
    if (seat.jobs.size > 0) this.#watch(seat);
    if ('error' in response) job.reject(new WorkerError(response.error.code, response.error.message));
    else job.resolve(response.result);
    this.#dispatch();
  }

  /** Jobs of a seat run in turn, so that one timer, started anew at each result, watches the one that runs. */
  #watch(seat: Seat): void {
    const watched = firstJob(seat);
    if (watched === undefined) return;
    const { timeoutMs } = this.#options;
    seat.timer = setTimeout(
      () => {
        // If this thread was blocked meanwhile, the answer may be here and only not read yet.
        setImmediate(() => {
          if (firstJob(seat)?.id !== watched.id) return;
          this.#replace(seat, new WorkerError('worker.timed_out', 'A crypto job took too long.'));
        });
      },
      watched.name === 'crl' ? Math.max(timeoutMs, CRL_TIMEOUT_MS) : timeoutMs,
    );
  }

  #replace(seat: Seat, error: WorkerError): void {
    if (this.#closed) return;
    clearTimeout(seat.timer);
    this.#options.onWorkerLost(error);
    void seat.worker?.terminate();
    seat.worker = undefined;
    const [running, ...waiting] = seat.jobs.values();
    seat.jobs.clear();
    this.#queue.unshift(...waiting);
    running?.reject(error);
    seat.losses += 1;
    if (seat.losses === 1) this.#restart(seat);
    else setTimeout(() => this.#restart(seat), RESTART_DELAY_MS).unref();
  }

  #restart(seat: Seat): void {
    if (this.#closed) return;
    this.#start(seat);
    this.#dispatch();
  }
}

/** A worker takes its jobs in the order in which it was given them. */
function firstJob(seat: Seat): Job | undefined {
  const [first] = seat.jobs.values();
  return first;
}

function failAll(seat: Seat, error: WorkerError): void {
  const jobs = [...seat.jobs.values()];
  seat.jobs.clear();
  for (const job of jobs) job.reject(error);
}
