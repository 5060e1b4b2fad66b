/**
 * The store of one machine, in a thread of its own. Calls that come while a commit waits for the disk share the next one.
 */
import { Worker } from 'node:worker_threads';
import { StoreError } from './store.ts';
import type { Store, StoreErrorCode } from './store.ts';

export interface StoreThreadData {
  readonly path: string;
  readonly masterSecret: string;
}

export interface StoreCall {
  readonly id: number;
  readonly method: keyof Store;
  readonly parameters: readonly unknown[];
}

export type StoreAnswer =
  | { readonly id: number; readonly result: unknown }
  | {
      readonly id: number;
      readonly error: { readonly name: string; readonly message: string; readonly code: string | undefined };
    };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Typed so that a method added to the contract cannot be forgotten here. */
const methods: Readonly<Record<keyof Store, true>> = {
  findEnrollment: true,
  findPolledEnrollment: true,
  recordIntent: true,
  storeCertificate: true,
  findSuccessNotification: true,
  release: true,
  addNotification: true,
  dueNotifications: true,
  markDelivered: true,
  markAttemptFailed: true,
  giveUp: true,
  findBySerialNumber: true,
  unclaimedEnrollments: true,
  revoke: true,
  addPendingRequest: true,
  findPendingRequest: true,
  listPendingRequests: true,
  decidePendingRequest: true,
  expirePendingRequests: true,
  addIssuedChallenge: true,
  findIssuedChallenge: true,
  listIssuedChallenges: true,
  revokeIssuedChallenge: true,
  listRevocations: true,
  revocationRevision: true,
  latestCrl: true,
  saveCrl: true,
  listAuthorities: true,
  addAuthority: true,
  activateAuthority: true,
  lastCertificateEnd: true,
  listEnrollments: true,
  summary: true,
  close: true,
};

/**
 * Opens the database in a thread.
 *
 * @throws StoreError as `openSqliteStore` does. When the thread is lost, every call rejects with `store.unavailable`.
 * @example
 * const store = await openThreadedStore({ path: '/var/lib/scepter/scepter.db', masterSecret });
 */
export async function openThreadedStore(data: StoreThreadData): Promise<Store> {
  const thread = new StoreThread(data);
  await thread.opened;
  const call = (method: keyof Store) =>
    [method, (...parameters: unknown[]) => thread.call(method, parameters)] as const;
  const names = Object.keys(methods) as (keyof Store)[];
  // Each method forwards its parameters as they are: the shape is that of the contract, name by name.
  return Object.fromEntries(names.map(call)) as unknown as Store;
}

class StoreThread {
  readonly opened: Promise<unknown>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #nextId = 0;
  #lost: StoreError | undefined;

  constructor(data: StoreThreadData) {
    const file = import.meta.url.endsWith('.ts') ? './store-thread.ts' : './store-thread.js';
    this.#worker = new Worker(new URL(file, import.meta.url), { workerData: data });
    this.opened = this.#expect();
    this.#worker.on('message', (answer: StoreAnswer) => this.#settle(answer));
    this.#worker.on('error', (cause) => this.#lose(cause));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#lose(undefined);
        resolve();
      });
    });
  }

  async call(method: keyof Store, parameters: readonly unknown[]): Promise<unknown> {
    if (this.#lost !== undefined) {
      // Closing twice is no error.
      if (method === 'close') return;
      throw this.#lost;
    }
    const answer = this.#expect();
    this.#worker.postMessage({ id: this.#nextId - 1, method, parameters } satisfies StoreCall);
    const result = await answer;
    if (method === 'close') await this.#exited;
    return result;
  }

  #expect(): Promise<unknown> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #settle(answer: StoreAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(errorOf(answer.error));
    else waiting?.resolve(answer.result);
  }

  #lose(cause: unknown): void {
    this.#lost ??= new StoreError('store.unavailable', 'The database thread has ended.', { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }
}

function errorOf({ name, message, code }: { name: string; message: string; code: string | undefined }): Error {
  // The thread runs this same version: its codes are ours.
  if (name === 'StoreError') return new StoreError(code as StoreErrorCode, message);
  if (name === 'TypeError') return new TypeError(message);
  return new StoreError('store.unavailable', message);
}
