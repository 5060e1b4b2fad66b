import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { openThreadedStore } from '../../src/store/threaded-store.ts';
import type { Store } from '../../src/store/store.ts';
import { intent } from './samples.ts';
import { storeContract } from './store-contract.ts';

const masterSecret = 'master secret of a test of the thread';
const folder = mkdtempSync(join(tmpdir(), 'scepter-threaded-'));
let files = 0;
after(() => rmSync(folder, { recursive: true }));

const newPath = (): string => join(folder, `${(files += 1)}.db`);
const openStore = (path: string): Promise<Store> => openThreadedStore({ path, masterSecret });

storeContract('SQLite in a thread', async () => {
  const path = newPath();
  let store = await openStore(path);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openStore(path);
      return store;
    },
    dispose: () => store.close(),
  };
});

describe('the thread', () => {
  it('says why it cannot open a database', async () => {
    const path = newPath();
    writeFileSync(path, 'not a database, but long enough to be read as one'.repeat(100));
    await assert.rejects(openStore(path), { name: 'StoreError', code: 'store.damaged' });
  });

  it('finishes what it was told before it closes, and takes nothing afterwards', async () => {
    const path = newPath();
    const store = await openStore(path);
    const recorded = store.recordIntent(intent(1));
    await store.close();
    assert.equal(await recorded, 'recorded');
    await store.close();
    await assert.rejects(store.summary(), { code: 'store.unavailable' });
    const again = await openStore(path);
    assert.equal((await again.summary()).enrollments.intended, 1);
    await again.close();
  });
});
