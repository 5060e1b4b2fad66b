/** What keeps a server from starting: one sentence, a hint, a stable code, and nothing changed on disk. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLogger, parseSettings, ServerError, startServer } from '../src/index.ts';
import type { RunningServer } from '../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'scepter-start-'));
const good = join(root, 'good');
let count = 0;

function start(dataFolder: string, port = 0): Promise<RunningServer> {
  const settings = parseSettings(
    {
      listen: { host: '127.0.0.1', port },
      publicUrl: 'http://127.0.0.1:1',
      dataFolder,
      authority: { organization: 'Start' },
      endpoints: { office: { authorizer: { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } } } },
    },
    { baseFolder: root, environment: { CHALLENGE: 'a challenge for starting up' } },
  );
  const logger = createLogger({ destination: { write: () => true }, pretty: false, level: 'silent' });
  return startServer({ settings, now: () => new Date(), randomBytes, logger });
}

/** Every file with its content, but for what SQLite's lock needs. */
function snapshot(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  );
  return Object.fromEntries(
    files
      .filter((name) => name !== 'lock')
      .toSorted()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex'),
      ]),
  );
}

async function refused(folder: string, port = 0): Promise<ServerError> {
  const error = await start(folder, port).then(
    (server) => server.close().then(() => undefined),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ServerError, String(error));
  assert.ok(error.hint.length > 10);
  return error;
}

before(async () => {
  const server = await start(good);
  await server.close();
});
after(() => rmSync(root, { recursive: true, force: true }));

describe('a damaged data folder', () => {
  const damages: readonly [string, (folder: string) => void][] = [
    ['the master secret is missing', (folder) => rmSync(join(folder, 'master.secret'))],
    [
      'the master secret is another one',
      (folder) => writeFileSync(join(folder, 'master.secret'), randomBytes(32).toString('base64url')),
    ],
    ['the database is missing', (folder) => rmSync(join(folder, 'scepter.db'))],
    [
      'the database is no database',
      (folder) =>
        writeFileSync(join(folder, 'scepter.db'), 'not a database, but long enough to be read as one'.repeat(100)),
    ],
    ['the CA is missing', (folder) => rmSync(join(folder, 'authority'), { recursive: true })],
    [
      "a CA's key is damaged",
      (folder) => writeFileSync(join(folder, 'authority', 'issuing', 'private-key.pem'), 'damaged'),
    ],
    ['a part of the CA is missing', (folder) => rmSync(join(folder, 'authority', 'root'), { recursive: true })],
  ];
  for (const [name, damage] of damages) {
    it(`${name}: refused, and nothing changed`, async () => {
      const folder = join(root, `damaged-${(count += 1)}`);
      cpSync(good, folder, { recursive: true });
      damage(folder);
      const before = snapshot(folder);
      const { code, message } = await refused(folder);
      assert.equal(code, 'server.data_folder_damaged');
      assert.ok(!message.includes('\n'));
      assert.deepEqual(snapshot(folder), before);
    });
  }

  it("another server's CA under this database: refused", async () => {
    const other = join(root, 'other');
    await (await start(other)).close();
    const folder = join(root, 'mixed');
    cpSync(good, folder, { recursive: true });
    rmSync(join(folder, 'authority'), { recursive: true });
    cpSync(join(other, 'authority'), join(folder, 'authority'), { recursive: true });
    writeFileSync(join(folder, 'master.secret'), readFileSync(join(other, 'master.secret')));
    assert.equal((await refused(folder)).code, 'server.data_folder_damaged');
  });
});

describe('what else keeps it from starting', () => {
  it('a port in use', async () => {
    const occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(0, '127.0.0.1', resolve));
    const { port } = occupant.address() as AddressInfo;
    const { code, message } = await refused(good, port);
    assert.equal(code, 'server.port_in_use');
    assert.ok(message.includes(String(port)));
    await new Promise((resolve) => occupant.close(resolve));
  });

  it('a folder below a file', async () => {
    writeFileSync(join(root, 'file'), '');
    assert.equal((await refused(join(root, 'file', 'data'))).code, 'server.data_folder_unwritable');
  });

  it('a server that runs on the folder already, which goes on undisturbed', async () => {
    const server = await start(good);
    assert.equal((await refused(good)).code, 'server.data_folder_in_use');
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    await server.close();
  });

  it('nothing, after all of that: the good folder starts', async () => {
    const moved = join(root, 'moved');
    renameSync(good, moved);
    const server = await start(moved);
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
    assert.equal((await fetch(`${server.url}/healthy`)).status, 404);
    await server.close();
  });
});
