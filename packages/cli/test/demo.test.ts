import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { displayWidth } from '../src/terminal.ts';
import { scepterHere, startHere, waitHere } from './run-here.ts';
import { anyPorts, readJson, scepter, startScepter, temporaryFolder, waitForOutput } from './run-scepter.ts';
import type { Transcript } from './run-scepter.ts';

const platforms = ['Windows', 'iOS', 'macOS', 'Android', 'Android Enterprise'];
const steps = ['check-in', 'key', 'capabilities', 'ca-certificate', 'enroll', 'install', 'report'];

let firstRun: Transcript;
/** What a first start leaves behind. Tests that need such a folder take a copy: making the CA's keys takes a second. */
let seedFolder: string;

before(async () => {
  seedFolder = await mkdtemp(join(tmpdir(), 'scepter-cli-'));
  firstRun = await scepter(['demo', '--once', ...anyPorts], { folder: seedFolder });
});

after(() => rm(seedFolder, { recursive: true, force: true }));

async function startedFolder(test: TestContext): Promise<string> {
  const folder = await temporaryFolder(test);
  await cp(seedFolder, folder, { recursive: true });
  return folder;
}

describe('scepter demo', () => {
  it('enrolls five devices and tells it plainly: no ANSI in a pipe, no line over 80 columns', () => {
    const { code, stdout, stderr } = firstRun;
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    const lines = stdout.split('\n');
    for (const line of lines) {
      assert.ok(displayWidth(line) <= 80, line);
      assert.doesNotMatch(line, /\p{Cc}/u);
    }
    for (const platform of platforms) {
      const told = lines.flatMap(
        (line) => new RegExp(`^  ${platform}  +([a-z-]+) +\\d+ ms  \\S`).exec(line)?.[1] ?? [],
      );
      assert.deepEqual(told, steps, platform);
      assert.match(stdout, new RegExp(`^  ${platform} +CN=\\S.* [0-9A-F]{15}….* \\d{4}-\\d\\d-\\d\\d$`, 'm'));
    }
    assert.equal(stdout.match(/ installed$/gm)?.length, 10, 'five reports, and five rows of Intune’s');
    assert.doesNotMatch(stdout, /FAILED/);
  });

  it('writes demo.json for scripts, for its owner alone', async () => {
    const path = join(seedFolder, '.scepter', 'demo.json');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    const record = await readJson(path);
    const { endpoints } = record;
    const serverUrl = String(record['serverUrl']);
    assert.match(serverUrl, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.deepEqual(endpoints, {
      intune: `${serverUrl}/scep/intune`,
      static: `${serverUrl}/scep/static`,
      legacy: `${serverUrl}/scep/legacy`,
    });
    assert.match(String(record['controlUrl']), /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(String(record['microsoftUrl']), /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.match(String(record['staticChallenge']), /^[0-9a-f]{24}$/);
    assert.equal(record['folder'], join(seedFolder, '.scepter'));
    assert.equal(typeof record['processId'], 'number');
  });

  it('goes on with the same CA and the same challenge at the second start', async (test) => {
    const folder = await startedFolder(test);
    const { code, stdout, stderr } = await scepterHere(['demo', '--once', ...anyPorts], { folder });
    assert.equal(code, 0, stderr);
    assert.equal(stdout.match(/ installed$/gm)?.length, 10, 'the devices renew');
    const [first, second] = await Promise.all([seedFolder, folder].map(readResult));
    assert.equal(second?.root, first?.root);
    assert.equal(second?.record['staticChallenge'], first?.record['staticChallenge']);
    assert.equal(second?.record['caFingerprint'], first?.record['caFingerprint']);
  });

  it('keeps the static challenge out of its log', async () => {
    const { record } = await readResult(seedFolder);
    const log = await readFile(String(record['logFile']), 'utf8');
    assert.ok(log.includes('"transactionId"'));
    assert.equal(log.includes(String(record['staticChallenge'])), false);
    for (const line of log.trimEnd().split('\n')) assert.doesNotThrow(() => JSON.parse(line), line);
  });

  it('ends with 1 and says which devices failed', async (test) => {
    const folder = await startedFolder(test);
    const failing: typeof fetch = (input, init) =>
      typeof input === 'string' && input.includes('operation=PKIOperation')
        ? Promise.resolve(new Response('down', { status: 503 }))
        : fetch(input, init);
    const { code, stdout, stderr } = await scepterHere(['demo', '--once', ...anyPorts], { folder, fetch: failing });
    assert.equal(code, 1);
    assert.match(oneLine(stderr), /^scepter: 5 of 5 devices did not get a certificate\. Hint: .*server\.log/);
    assert.equal(stdout.match(/ FAILED: /g)?.length, 5);
    assert.match(oneLine(stdout), /iOS failed at enroll: .*503/);
  });
});

async function readResult(folder: string) {
  const record = await readJson(join(folder, '.scepter', 'demo.json'));
  return { record, root: await readFile(join(folder, '.scepter', 'root.pem'), 'utf8') };
}

describe('scepter demo, staying up', () => {
  it('prints addresses and commands to go on with, and ends cleanly at Ctrl-C', async (test) => {
    const folder = await startedFolder(test);
    const running = startScepter(['demo', ...anyPorts], { folder });
    await waitForOutput(running, /Ctrl-C stops it\.\n/);
    const record = await readJson(join(folder, '.scepter', 'demo.json'));
    const endpoints = record['endpoints'] as Record<string, string>;
    for (const url of [...Object.values(endpoints), record['controlUrl'], record['microsoftUrl']]) {
      assert.ok(running.output().includes(String(url)));
    }
    for (const line of running.output().split('\n')) assert.ok(displayWidth(line) <= 80, line);
    assert.match(running.output(), /scepclient -server-url http\S+\/scep\/legacy/);
    const capabilities = await fetch(`${endpoints['static']}?operation=GetCACaps`);
    assert.match(await capabilities.text(), /^SCEPStandard$/m);

    const second = await scepter(['demo', '--once', ...anyPorts], { folder });
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`Process ${running.child.pid} already runs in`));

    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /Stopping\.\n$/);
  });
});

describe('scepter demo, stopped while its devices enroll', () => {
  it('ends cleanly, and shows no failures that only come from stopping', async (test) => {
    const folder = await startedFolder(test);
    const stop = new AbortController();
    const running = startHere(['demo', ...anyPorts], { folder, interruption: stop.signal });
    await waitHere(running, ' check-in ');
    stop.abort();
    const { code, stdout, stderr } = await running.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /Stopping\.\n$/);
    assert.doesNotMatch(stdout, /FAILED|Certificates issued/);
  });
});

describe('scepter demo ends with 1, one sentence and a hint', () => {
  for (const [option, name] of [
    ['--scep-port', 'the server’s port'],
    ['--microsoft-port', 'the emulator’s port'],
    ['--control-port', 'the control port'],
  ] as const) {
    it(`when ${name} is in use`, async (test) => {
      const folder = await startedFolder(test);
      const occupant = createServer().listen(0, '127.0.0.1');
      await once(occupant, 'listening');
      test.after(() => occupant.close());
      const port = String((occupant.address() as AddressInfo).port);
      const { code, stderr } = await scepterHere(['demo', '--once', ...anyPorts, option, port], { folder });
      assert.equal(code, 1);
      assert.equal(
        stderr,
        `scepter: Port ${port} is in use by another program.\n` +
          `Hint: Stop that program, or choose another port with ${option}.\n`,
      );
    });
  }

  it('and leaves nothing behind that a later start stumbles over', async (test) => {
    const folder = await temporaryFolder(test);
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const port = String((occupant.address() as AddressInfo).port);
    const words = ['demo', '--once', ...anyPorts, '--scep-port', port];
    assert.equal((await scepterHere(words, { folder })).code, 1);
    occupant.close();
    await once(occupant, 'close');
    assert.equal((await scepterHere(words, { folder })).code, 0);
  });

  it('when the folder cannot be made', async (test) => {
    const folder = await temporaryFolder(test);
    await writeFile(join(folder, 'file'), '');
    const { code, stderr } = await scepterHere(['demo', '--once', ...anyPorts, '--folder', 'file/demo'], { folder });
    assert.equal(code, 1);
    assert.match(oneLine(stderr), /^scepter: .*file\/demo.*a part of the path is a file.*\. Hint: .*--folder/);
    assert.deepEqual(await readdir(folder), ['file']);
  });

  const damages: { name: string; path: string[] }[] = [
    { name: 'the emulator’s state', path: ['emulator', 'state.json'] },
    { name: 'the database', path: ['server', 'scepter.db'] },
    { name: 'the record of the last start', path: ['demo.json'] },
  ];
  for (const { name, path } of damages) {
    it(`when ${name} is damaged, and leaves it as it is`, async (test) => {
      const folder = await startedFolder(test);
      const damaged = join(folder, '.scepter', ...path);
      assert.ok((await stat(damaged)).isFile());
      await writeFile(damaged, 'not what it was');
      const { code, stderr } = await scepterHere(['demo', '--once', ...anyPorts], { folder });
      assert.equal(code, 1);
      assert.match(oneLine(stderr), /^scepter: [^.].* Hint: .+/);
      assert.doesNotMatch(stderr, /\n\s+at |unexpected/);
      assert.equal(await readFile(damaged, 'utf8'), 'not what it was');
    });
  }

  it('and tells where with SCEPTER_DEBUG', async (test) => {
    const folder = await startedFolder(test);
    await writeFile(join(folder, '.scepter', 'demo.json'), '[]');
    const words = ['demo', '--once', ...anyPorts];
    const { stderr } = await scepterHere(words, { folder, environment: { SCEPTER_DEBUG: '1' } });
    assert.match(stderr, /\n\s+at /);
  });
});

function oneLine(text: string): string {
  return text.replaceAll(/\n\s*/g, ' ');
}
