/** The thread that SQLite runs in: its commits wait for the disk, and must not make the sockets wait with them. */
import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { createSecretBox } from './secret-box.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import type { StoreAnswer, StoreCall, StoreThreadData } from './threaded-store.ts';

const port = parentPort;
if (port === null) throw new Error('store-thread.ts runs as a worker thread.');
const { path, masterSecret } = workerData as StoreThreadData;

function errorAnswer(id: number, error: unknown): StoreAnswer {
  const { name, message } = error instanceof Error ? error : new Error('unknown');
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { id, error: { name, message, code } };
}

async function answer(store: Store, { id, method, parameters }: StoreCall): Promise<StoreAnswer> {
  // Every method of the contract takes and gives values that can be posted; which ones, the caller's types say.
  const call = store[method] as (...values: readonly unknown[]) => Promise<unknown>;
  try {
    return { id, result: await call(...parameters) };
  } catch (error) {
    return errorAnswer(id, error);
  }
}

const openPort = port;
async function serve(store: Store, call: StoreCall): Promise<void> {
  openPort.postMessage(await answer(store, call));
  if (call.method === 'close') openPort.close();
}

try {
  const store = openSqliteStore({ path, secretBox: createSecretBox(masterSecret, randomBytes), now: () => new Date() });
  port.on('message', (call: StoreCall) => {
    void serve(store, call);
  });
  port.postMessage({ id: 0, result: undefined } satisfies StoreAnswer);
} catch (error) {
  port.postMessage(errorAnswer(0, error));
  port.close();
}
