/** `scepter enroll` where a person decides: what waits is kept until there is an answer to it. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { scepterHere, startHere, waitHere } from './run-here.ts';
import type { RunningHere } from './run-here.ts';
import { temporaryFolder } from './run-scepter.ts';

const configuration = {
  listen: { host: '127.0.0.1', port: 0 },
  publicUrl: 'http://127.0.0.1:1',
  dataFolder: 'data',
  authority: { organization: 'Example' },
  endpoints: { routers: { authorizer: { kind: 'manual' } }, others: { authorizer: { kind: 'manual' } } },
};

let home: string;
let url: string;
let server: RunningHere;
const stop = new AbortController();
const cleanups: (() => unknown)[] = [];

before(async () => {
  home = await temporaryFolder({ after: (cleanup: () => unknown) => cleanups.push(cleanup) });
  await writeFile(join(home, 'scepter.json'), JSON.stringify(configuration));
  server = startHere(['serve', '--config', 'scepter.json'], { folder: home, interruption: stop.signal });
  await waitHere(server, 'Listening');
  url = /http:\/\/127\.0\.0\.1:\d+/.exec(server.output())?.[0] ?? '';
});
after(async () => {
  stop.abort();
  await server.ended;
  for (const cleanup of cleanups) await cleanup();
});

const pendingFiles = ['r.key.pending', 'r.pem.pending'];

const enroll = (folder: string, endpoint: string, ...words: string[]) =>
  scepterHere(['enroll', '--url', `${url}/scep/${endpoint}`, '--out', 'r', ...words], { folder });

/** Decides on the newest request. */
async function decide(verb: 'approve' | 'deny'): Promise<void> {
  const administer = (...words: string[]) => scepterHere(['request', ...words], { folder: home });
  const { stdout } = await administer('list', '--json');
  const requests = JSON.parse(stdout) as { id: number }[];
  const { code, stderr } = await administer(verb, String(requests[0]?.id));
  assert.equal(code, 0, stderr);
}

describe('scepter enroll --resume', () => {
  it('at another address keeps what waits, and gets the certificate at the right one', async (test) => {
    const folder = await temporaryFolder(test);
    assert.equal((await enroll(folder, 'routers', '--subject', 'CN=router')).code, 3);
    assert.deepEqual((await readdir(folder)).toSorted(), pendingFiles);
    await decide('approve');
    const astray = await enroll(folder, 'others', '--resume');
    assert.equal(astray.code, 1);
    assert.match(astray.stderr.replaceAll(/\n\s*/g, ' '), /knows no request of this key .* The request is kept\./);
    assert.deepEqual((await readdir(folder)).toSorted(), pendingFiles);
    assert.equal((await enroll(folder, 'routers', '--resume')).code, 0);
    assert.deepEqual((await readdir(folder)).toSorted(), ['r-chain.pem', 'r.key', 'r.pem']);
  });

  it('leaves nothing of what was denied', async (test) => {
    const folder = await temporaryFolder(test);
    await enroll(folder, 'routers', '--subject', 'CN=router');
    await decide('deny');
    const { code, stderr } = await enroll(folder, 'routers', '--resume');
    assert.equal(code, 1);
    assert.match(stderr, /refused the request/);
    assert.deepEqual(await readdir(folder), []);
  });
});
