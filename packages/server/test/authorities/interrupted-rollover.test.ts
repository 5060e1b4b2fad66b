/**
 * The process may die between any two instructions of a rollover. The next CA is in the folder before it is in the
 * database, and which CA is current is said by one transaction: these are the states that a kill can leave.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { addGeneration, readHierarchy } from '@scepter/ca';
import { createLogger, parseSettings, startServer } from '../../src/index.ts';
import type { RunningServer } from '../../src/index.ts';
import { createSecretBox } from '../../src/store/secret-box.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import { administer } from '../http/admin-client.ts';
import { STATIC_CHALLENGE } from '../laboratory.ts';

const folder = mkdtempSync(join(tmpdir(), 'scepter-interrupted-'));
const keys = newKeys();
const log: string[] = [];
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
after(() => rmSync(folder, { recursive: true, force: true }));

function start(dataFolder: string, now = () => new Date(), endpoint: object = {}): Promise<RunningServer> {
  const json = {
    listen: { port: 0 },
    dataFolder,
    authority: { organization: 'Interrupted' },
    endpoints: {
      static: { authorizer: { kind: 'static-challenge', challenge: { environment: 'CHALLENGE' } }, ...endpoint },
    },
    limits: { workers: 1 },
  };
  return startServer({
    settings: parseSettings(json, { baseFolder: folder, environment: { CHALLENGE: STATIC_CHALLENGE } }),
    now,
    randomBytes,
    logger: createLogger({ destination: { write: (line) => log.push(line) }, pretty: false, level: 'info' }),
  });
}

/** The folder of a server that was started once and stopped, under a name of its own. */
function copy(name: string): string {
  cpSync(join(folder, 'original'), join(folder, name), { recursive: true });
  return join(folder, name);
}

function secretOf(dataFolder: string): string {
  return readFileSync(join(dataFolder, 'master.secret'), 'utf8').trim();
}

async function addToFolder(dataFolder: string): Promise<void> {
  const options = { secret: secretOf(dataFolder), now: new Date(), randomBytes, organization: 'Interrupted' };
  const path = join(dataFolder, 'authority');
  await addGeneration(path, await readHierarchy(path, options), options);
}

function openStore(dataFolder: string): Store {
  const secretBox = createSecretBox(secretOf(dataFolder), randomBytes);
  return openSqliteStore({ path: join(dataFolder, 'scepter.db'), secretBox, now: () => new Date() });
}

async function look(server: RunningServer): Promise<{ states: string[]; issuer: string; capabilities: string }> {
  const url = `${server.url}/scep/static`;
  const csr = certificationRequest(keys, { subject: 'CN=device', challenge: STATIC_CHALLENGE });
  const { issuer } = issued(await (await Client.connect(url)).send({ csr, transactionId: 'device', signer }));
  return {
    states: (await server.store.listAuthorities()).map(({ state }) => state),
    issuer: issuer.rdns.flat().find(({ value }) => value.includes('CA'))?.value ?? '',
    capabilities: await (await fetch(`${url}?operation=GetCACaps`)).text(),
  };
}

before(async () => {
  await (await start(join(folder, 'original'))).close();
});

describe('a server that was killed', () => {
  it('behind the next CA in the folder: the start finishes the staging', async () => {
    const dataFolder = copy('staged-in-the-folder');
    await addToFolder(dataFolder);
    const server = await start(dataFolder);
    const { states, issuer, capabilities } = await look(server);
    assert.deepEqual([states, issuer], [['current', 'next'], 'Interrupted Issuing CA']);
    assert.match(capabilities, /^GetNextCACert$/m);
    await server.close();
  });

  it('behind the transaction of the activation: the start finds the new CA current', async () => {
    const dataFolder = copy('activated-in-the-database');
    await addToFolder(dataFolder);
    await (await start(dataFolder)).close();
    const store = openStore(dataFolder);
    const id = (await store.listAuthorities())[1]?.id ?? '';
    assert.equal(await store.activateAuthority(id, new Date()), true);
    await store.close();
    const server = await start(dataFolder);
    const { states, issuer, capabilities } = await look(server);
    assert.deepEqual([states, issuer], [['former', 'current'], 'Interrupted Issuing CA 2']);
    assert.doesNotMatch(capabilities, /GetNextCACert/);
    await server.close();
  });
});

describe('a server that goes on', () => {
  it('behind an activation that it could not read back: asked again, it issues with the new CA', async (test) => {
    const dataFolder = copy('unread/data');
    const server = await start(dataFolder);
    const laboratory = { folder: join(folder, 'unread') };
    const activate = () => administer(laboratory, 'POST /api/authorities/activate');
    assert.equal((await administer(laboratory, 'POST /api/authorities/stage')).status, 201);
    const unavailable = () => Promise.reject(new Error('The database cannot be read.'));
    test.mock.method(server.store, 'listAuthorities', unavailable, { times: 1 });
    assert.equal((await activate()).status, 500);
    const { status, body } = await activate();
    assert.deepEqual([status, body['generation'], body['state']], [200, 2, 'current']);
    assert.equal((await activate()).status, 409, 'nothing is staged any more');
    const { states, issuer, capabilities } = await look(server);
    assert.deepEqual([states, issuer], [['former', 'current'], 'Interrupted Issuing CA 2']);
    assert.doesNotMatch(capabilities, /GetNextCACert/);
    await server.close();
  });
});

describe('a CA that no client could enroll with', () => {
  it('is not started: nobody could encrypt with the CA certificate alone where an RA decrypts', async () => {
    await assert.rejects(
      start(join(folder, 'original'), () => new Date(), { caCertificates: 'single' }),
      { code: 'server.authority_unsuitable', message: /endpoint static gives out a single CA certificate/ },
    );
  });
});

describe('a CA that has ended', () => {
  it('starts, so that the next one can be staged and activated', async () => {
    const dataFolder = copy('ended/data');
    const server = await start(dataFolder, () => new Date(Date.now() + 11 * 365 * 86_400_000));
    assert.ok(log.some((line) => line.includes('The issuing CA ends on ')));
    const laboratory = { folder: join(folder, 'ended') };
    assert.equal((await administer(laboratory, 'POST /api/authorities/stage')).status, 201);
    const { status, body } = await administer(laboratory, 'POST /api/authorities/activate');
    assert.deepEqual([status, body['generation'], body['state']], [200, 2, 'current']);
    const { issuer } = await look(server);
    assert.equal(issuer, 'Interrupted Issuing CA 2');
    await server.close();
  });
});

describe('a folder and a database that do not belong together', () => {
  it('because the current CA is not in the folder: the server does not start', async () => {
    const dataFolder = copy('generation-lost');
    await addToFolder(dataFolder);
    await (await start(dataFolder)).close();
    rmSync(join(dataFolder, 'authority', 'generation-2'), { recursive: true });
    await assert.rejects(start(dataFolder), { code: 'server.data_folder_damaged' });
  });

  it('because the folder has two CAs that the database has never seen: the server does not start', async () => {
    const dataFolder = copy('two-generations');
    await addToFolder(dataFolder);
    await addToFolder(dataFolder);
    await assert.rejects(start(dataFolder), { code: 'server.data_folder_damaged' });
  });
});
