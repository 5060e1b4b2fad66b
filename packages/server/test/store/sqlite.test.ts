import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createSecretBox } from '../../src/store/secret-box.ts';
import { SqliteDatabase } from '../../src/store/sqlite.ts';
import type { SqlParameters } from '../../src/store/sqlite.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { NewPendingRequest } from '../../src/store/pending-requests.ts';
import type { Store } from '../../src/store/store.ts';
import {
  canary,
  dayMs,
  failureNotification,
  identity,
  intent,
  later,
  recordedAt,
  serialNumber,
  withhold,
} from './samples.ts';
import { issuedChallengesContract } from './issued-challenges-contract.ts';
import { pendingRequestsContract } from './pending-requests-contract.ts';
import { storeContract } from './store-contract.ts';
import type { StoreUnderTest } from './store-contract.ts';

const secretBox = createSecretBox('master secret of a test', randomBytes);
let folder: string;
let files = 0;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'scepter-store-'));
});
after(() => rmSync(folder, { recursive: true }));

const newPath = (): string => join(folder, `${(files += 1)}.db`);
const openStore = (path: string): Store => openSqliteStore({ path, secretBox, now: () => recordedAt });

const pendingRequestOf = (certificationRequest: string): NewPendingRequest => ({
  identity: identity(3),
  signerKeySha256: 'c'.repeat(64),
  subject: 'CN=device 3',
  subjectAltNames: [],
  keyDescription: 'RSA 2048',
  clientNetwork: '192.0.2.1',
  certificationRequest: Buffer.from(certificationRequest),
  requestedAt: recordedAt,
  expiresAt: later(dayMs),
});

const openFresh = async (): Promise<StoreUnderTest> => {
  const path = newPath();
  let store = openStore(path);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = openStore(path);
      return store;
    },
    dispose: () => store.close(),
  };
};

storeContract('SQLite', openFresh);
pendingRequestsContract('SQLite', openFresh);
issuedChallengesContract('SQLite', openFresh);

describe('SQLite store: files', () => {
  it('holds no certification request and no challenge in the clear, before and after the checkpoint', async () => {
    const path = newPath();
    const store = openStore(path);
    await withhold(store, 1);
    await store.addNotification(failureNotification(2), recordedAt);
    await store.addPendingRequest(pendingRequestOf(canary), { ofEndpoint: 10, ofClientNetwork: 10 });
    const filesOfDatabase = () => readdirSync(folder).filter((name) => join(folder, name).startsWith(path));
    assert.ok(filesOfDatabase().some((name) => name.endsWith('-wal')));
    const bytes = () => Buffer.concat(filesOfDatabase().map((name) => readFileSync(join(folder, name))));
    assert.ok(bytes().includes('CN=device 1'), 'the search would find clear text');
    assert.ok(!bytes().includes(canary));
    assert.ok(!bytes().includes('Key too small'));
    await store.close();
    assert.ok(bytes().includes('CN=device 1'));
    assert.ok(!bytes().includes(canary));
  });

  it('is readable by its owner alone', { skip: process.platform === 'win32' }, async () => {
    const path = newPath();
    const store = openStore(path);
    await store.recordIntent(intent(1));
    for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    await store.close();
  });

  it('does not open sealed payloads with another master secret', async () => {
    const path = newPath();
    const store = openStore(path);
    await withhold(store, 1);
    await store.close();
    const other = openSqliteStore({ path, secretBox: createSecretBox('another', randomBytes), now: () => recordedAt });
    await assert.rejects(other.findSuccessNotification(serialNumber(1)), { code: 'store.unsealing_failed' });
    await other.close();
  });

  it('gives up a notification that cannot be unsealed, and hands out the others', async () => {
    const path = newPath();
    const store = openStore(path);
    for (const index of [1, 2, 3]) await store.addNotification(failureNotification(index), recordedAt);
    changeDatabase(
      path,
      `UPDATE notifications SET sealed_payload = zeroblob(64) WHERE transaction_id = 'transaction-2'`,
    );
    const due = await store.dueNotifications('contoso', recordedAt, 10);
    assert.deepEqual(
      due.map(({ transactionId }) => transactionId),
      ['transaction-1', 'transaction-3'],
    );
    assert.equal((await store.summary()).pendingNotifications, 2);
    await store.close();
    const [row] = query(path, `SELECT * FROM notifications WHERE transaction_id = 'transaction-2'`);
    assert.equal(row?.['state'], 'given-up');
    assert.equal(row['sealed_payload'], null);
    assert.equal(row['last_error'], 'store.unsealing_failed');
    assert.equal(row['settled_at'], recordedAt.getTime());
  });

  it('keeps no payload of what is cancelled or given up', async () => {
    const path = newPath();
    const store = openStore(path);
    await withhold(store, 1, { notification: failureNotification(1) });
    await store.addNotification(failureNotification(2), recordedAt);
    const [, failure] = await store.dueNotifications('contoso', recordedAt, 10);
    await store.giveUp(failure!.id, { at: later(5), reason: 'intune.timeout' });
    await store.close();
    assert.deepEqual(
      query(path, 'SELECT state, sealed_payload IS NULL AS dropped, settled_at, last_error FROM notifications').map(
        (row) => Object.values(row),
      ),
      [
        ['cancelled', 1, recordedAt.getTime(), null],
        ['pending', 0, null, null],
        ['given-up', 1, later(5).getTime(), 'intune.timeout'],
      ],
    );
  });

  it('keeps its locks when the file is opened a second time in this process', () => {
    const path = newPath();
    const database = SqliteDatabase.open(path);
    database.execute('BEGIN EXCLUSIVE');
    SqliteDatabase.open(path).close();
    const script = `const { DatabaseSync } = require('node:sqlite');
      new DatabaseSync(process.argv[1], { timeout: 0 }).exec('BEGIN EXCLUSIVE')`;
    const other = spawnSync(process.execPath, ['-e', script, path], { encoding: 'utf8' });
    database.close();
    assert.match(other.stderr, /database is locked/);
  });

  const damages: Record<string, { code: string; damage: (path: string) => void }> = {
    'of a newer release': {
      code: 'store.newer_schema',
      damage: (path) => changeDatabase(path, 'PRAGMA user_version = 99'),
    },
    'of another program': {
      code: 'store.damaged',
      damage: (path) => changeDatabase(path, 'PRAGMA application_id = 7'),
    },
    'with garbage in its header': { code: 'store.damaged', damage: (path) => writeFileSync(path, randomBytes(8192)) },
    'that is cut short': {
      code: 'store.damaged',
      damage: (path) => truncateSync(path, statSync(path).size - 8192),
    },
    'with garbage in its pages': {
      code: 'store.damaged',
      damage: (path) => {
        const bytes = readFileSync(path);
        writeFileSync(path, Buffer.concat([bytes.subarray(0, 4096), randomBytes(bytes.length - 4096)]));
      },
    },
  };
  for (const [which, { code, damage }] of Object.entries(damages)) {
    it(`refuses a database ${which}, and leaves it as it is`, async () => {
      const path = newPath();
      const store = openStore(path);
      await withhold(store, 1);
      await store.close();
      damage(path);
      const before = readFileSync(path);
      assert.throws(
        () => openStore(path),
        (error: Error & { code?: string }) => error.code === code && error.message.includes(path),
      );
      assert.ok(readFileSync(path).equals(before));
    });
  }

  it('can not be opened where there is no folder', () => {
    assert.throws(() => openStore(join(folder, 'missing', 'scepter.db')), { code: 'store.unavailable' });
  });

  it('records when each migration was applied', async () => {
    const path = newPath();
    await openStore(path).close();
    const applied = query(path, 'SELECT version, applied_at FROM migrations ORDER BY version');
    const [version] = query(path, 'PRAGMA user_version');
    assert.equal(applied.length, version?.['user_version']);
    for (const [index, row] of applied.entries()) {
      assert.deepEqual([row['version'], row['applied_at']], [index + 1, recordedAt.getTime()]);
    }
  });
});

describe('SQLite store: a commit that fails', () => {
  it('fails every write of the batch, and the next batch works', async () => {
    const path = newPath();
    const store = openStore(path);
    const other = new DatabaseSync(path);
    // A trigger that aborts the whole transaction stands for a disk that is full.
    other.exec(`CREATE TRIGGER full_disk BEFORE INSERT ON enrollments WHEN NEW.subject = 'CN=full'
      BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END`);
    const outcomes = await Promise.allSettled([
      store.recordIntent(intent(1)),
      store.recordIntent(intent(2, { subject: 'CN=full' })),
      store.recordIntent(intent(3)),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
      ['store.unavailable', 'store.unavailable', 'store.unavailable'],
    );
    assert.equal((await store.summary()).enrollments.intended, 0);
    assert.equal(await store.recordIntent(intent(1)), 'recorded');
    other.close();
    await store.close();
  });
});

describe('SQLite store: kill -9', () => {
  it('has every acknowledged write after the process was killed, three times over', async () => {
    const path = newPath();
    const acknowledged: string[] = [];
    for (const round of [1, 2, 3]) acknowledged.push(...(await writeAndKill(path, round * 1_000_000)));
    assert.ok(acknowledged.length >= 60, `${acknowledged.length} writes`);
    const store = openStore(path);
    for (const serial of acknowledged) {
      assert.equal((await store.findBySerialNumber(serial))?.state, 'withheld', serial);
      assert.equal((await store.findSuccessNotification(serial))?.delivered, false, serial);
    }
    assert.equal(new Set(acknowledged).size, acknowledged.length);
    await store.close();
  });
});

describe('SqliteDatabase', () => {
  const values: [name: string, parameters: unknown, message: RegExp][] = [
    ['a missing parameter', {}, /\$value has no value/],
    ['a parameter too many', { value: 1, other: 2 }, /no parameter \$other/],
    ['undefined', { value: undefined }, /\$value/],
    ['a Date', { value: new Date(0) }, /\$value/],
    ['a boolean', { value: true }, /\$value/],
    ['NaN', { value: Number.NaN }, /\$value/],
    ['a fraction', { value: 1.5 }, /\$value/],
    ['an unsafe integer', { value: 2 ** 53 }, /\$value/],
    ['an integer of more than 64 bits', { value: 2n ** 63n }, /\$value/],
    ['an object', { value: {} }, /\$value/],
  ];
  for (const [name, parameters, message] of values) {
    it(`refuses ${name}`, () => {
      const database = SqliteDatabase.open(newPath());
      assert.throws(() => database.get('SELECT $value AS value', parameters as SqlParameters), {
        name: 'TypeError',
        message,
      });
      database.close();
    });
  }

  it('takes text, safe integers, bytes and null, and returns them', () => {
    const database = SqliteDatabase.open(newPath());
    const row = database.get('SELECT $a AS a, $b AS b, $c AS c, $d AS d', {
      a: 'x\u0000y',
      b: -5,
      c: Uint8Array.of(0),
      d: null,
    });
    assert.equal(row?.text('a'), 'x\u0000y');
    assert.equal(row?.integer('b'), -5);
    assert.deepEqual(row?.blob('c'), Uint8Array.of(0));
    assert.equal(row?.optionalText('d'), undefined);
    database.close();
  });

  it('takes a column of an unexpected type for damage', () => {
    const database = SqliteDatabase.open(newPath());
    const row = database.get('SELECT 1 AS amount, NULL AS missing');
    assert.throws(() => row?.text('amount'), { code: 'store.damaged' });
    assert.throws(() => row?.integer('missing'), { code: 'store.damaged' });
    assert.throws(() => row?.blob('absent'), { code: 'store.damaged' });
    database.close();
  });
});

function changeDatabase(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function query(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path);
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

/** Returns the serial numbers that the process acknowledged before it was killed. */
async function writeAndKill(path: string, start: number): Promise<string[]> {
  const script = fileURLToPath(new URL('writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=source', script, path, String(start)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.length > 33 * 40) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'close');
  assert.equal(signal, 'SIGKILL');
  return output.split('\n').filter((line) => line.length === serialNumber(0).length);
}
