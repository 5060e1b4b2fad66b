import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { displayWidth } from '../src/terminal.ts';
import { scepterHere, startHere, waitHere } from './run-here.ts';
import type { RunningHere } from './run-here.ts';
import { temporaryFolder } from './run-scepter.ts';

const configuration = {
  listen: { port: 0 },
  publicUrl: 'http://127.0.0.1:1',
  dataFolder: 'data',
  authority: { organization: 'Example' },
  endpoints: { laptops: { authorizer: { kind: 'static-challenge' } } },
  limits: { workers: 1 },
};

let folder: string;
let server: RunningHere;
const stop = new AbortController();
const cleanups: (() => unknown)[] = [];

before(async () => {
  const context = { after: (cleanup: () => unknown) => cleanups.push(cleanup) };
  folder = await temporaryFolder(context);
  await writeFile(join(folder, 'scepter.json'), JSON.stringify(configuration));
  server = startHere(['serve', '--config', 'scepter.json'], { folder, interruption: stop.signal });
  await waitHere(server, 'Listening');
});
after(async () => {
  stop.abort();
  await server.ended;
  for (const cleanup of cleanups) await cleanup();
});

const here = (words: string, answer?: string) =>
  scepterHere(words.split(' '), { folder, ...(answer === undefined ? {} : { answer }) });

async function states(): Promise<string[]> {
  const { stdout } = await here('authority status --json');
  return (JSON.parse(stdout) as { state: string }[]).map(({ state }) => state);
}

describe('scepter authority', () => {
  it('shows the CA, in 80 columns', async () => {
    const { code, stdout } = await here('authority status');
    assert.equal(code, 0);
    assert.match(stdout, /^1 {2}CN=Example Issuing CA,O=Example\n {3}State +current since \d{4}-/);
    assert.match(stdout, /^ {3}SHA-256 +[0-9A-F]{32}\n {13,}[0-9A-F]{32}\n {3}SHA-1 +[0-9A-F]{40}$/m);
    assert.match(stdout, /^ {3}CRL +number 1, next by /m);
    for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= 80, line);
  });

  it('has nothing to activate before the next CA is staged', async () => {
    const { code, stderr } = await here('authority activate --yes');
    assert.equal(code, 1);
    assert.match(stderr, /No next CA is staged\.\nHint: `scepter authority stage` makes one\./);
  });

  it('stages the next one, once', async () => {
    const { code, stdout } = await here('authority stage');
    assert.equal(code, 0);
    assert.match(stdout, /^2 {2}CN=Example Issuing CA 2,O=Example\n {3}State +next, staged /);
    assert.match(stdout, /scepter authority activate\n$/);
    const again = await here('authority stage');
    assert.equal(again.code, 1);
    assert.match(again.stderr, /staged already/);
    assert.deepEqual(await states(), ['current', 'next']);
  });

  it('asks before it activates, and does nothing without a yes', async () => {
    const refused = await here('authority activate', 'no');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /It will issue in place of CN=Example Issuing CA,O=Example/);
    assert.match(refused.stderr, /Nothing was changed\./);
    const nobody = await here('authority activate');
    assert.equal(nobody.code, 2);
    assert.match(nobody.stderr, /With --yes/);
    assert.deepEqual(await states(), ['current', 'next']);
  });

  it('activates it', async () => {
    const { code, stdout } = await here('authority activate', 'yes');
    assert.equal(code, 0);
    assert.equal(stdout, 'CN=Example Issuing CA 2,O=Example issues from now on. No restart is needed.\n');
    assert.deepEqual(await states(), ['former', 'current']);
  });

  it('says of a former CA how long its CRL goes on', async () => {
    const { stdout } = await here('authority status');
    assert.match(stdout, /^ {3}State +former since .*\n(.*\n)+ {3}Serves +its CRL, until shortly after \d{4}-/m);
  });
});
