import assert from 'node:assert/strict';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseSettings } from '@scepter/server';
import { displayWidth } from '../src/terminal.ts';
import { scepterHere, startHere, waitHere } from './run-here.ts';
import { readJson, startScepter, temporaryFolder, waitForOutput } from './run-scepter.ts';

const secret = { SCEPTER_CLIENT_SECRET: 'a secret of the tenant' };

describe('scepter init', () => {
  it('writes a configuration that is valid, explains every value, and creates nothing else', async (test) => {
    const folder = await temporaryFolder(test);
    const { code, stdout, stderr } = await scepterHere(['init'], { folder });
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(await readdir(folder), ['scepter.json']);
    const json = await readJson(join(folder, 'scepter.json'));
    const settings = parseSettings(json, { baseFolder: folder, environment: secret });
    assert.deepEqual(
      settings.endpoints.map(({ name }) => name),
      ['intune'],
    );
    for (const key of Object.keys(json)) assert.match(stdout, new RegExp(`^ +${key} `, 'm'));
    for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= 80, line);
  });

  it('overwrites nothing, unless told to', async (test) => {
    const folder = await temporaryFolder(test);
    const path = join(folder, 'scepter.json');
    await writeFile(path, 'mine');
    const refused = await scepterHere(['init'], { folder });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /scepter\.json is there already\.\nHint: Overwrite it with --force\.\n$/);
    assert.equal(await readFile(path, 'utf8'), 'mine');
    assert.equal((await scepterHere(['init', '--force'], { folder })).code, 0);
    assert.notEqual(await readFile(path, 'utf8'), 'mine');
  });

  it('does not make the folder', async (test) => {
    const folder = await temporaryFolder(test);
    const { code, stderr } = await scepterHere(['init', '--folder', 'none'], { folder });
    assert.equal(code, 1);
    assert.match(stderr.replaceAll(/\n\s*/g, ' '), /cannot be written \(it does not exist\)\. Hint: /);
    assert.deepEqual(await readdir(folder), []);
  });
});

describe('scepter serve', () => {
  it('serves what init wrote, logs JSON in a pipe, and ends cleanly at SIGTERM', async (test) => {
    const folder = await temporaryFolder(test);
    await scepterHere(['init'], { folder });
    const path = join(folder, 'scepter.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"port": 8080', '"port": 0'));
    const running = startScepter(['serve', '--config', 'scepter.json'], { folder, environment: secret });
    await waitForOutput(running, /http:\/\/127\.0\.0\.1:\d+/);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.output())?.[0];
    const response = await fetch(`${url}/scep/intune?operation=GetCACaps`);
    assert.match(await response.text(), /^SCEPStandard$/m);
    assert.equal((await stat(join(folder, 'data'))).mode & 0o077, 0, 'the data folder is its owner’s alone');
    running.child.kill('SIGTERM');
    const { code, stdout, stderr } = await running.ended;
    assert.deepEqual([code, stderr], [0, '']);
    for (const line of stdout.trimEnd().split('\n')) {
      const event = JSON.parse(line) as Record<string, unknown>;
      assert.equal(typeof event['message'], 'string');
      assert.ok(!line.includes(secret.SCEPTER_CLIENT_SECRET));
    }
  });

  const rows: { name: string; content: string | undefined; environment: Record<string, string>; message: RegExp }[] = [
    { name: 'no file', content: undefined, environment: {}, message: /^scepter: There is no file \S+\. Hint: .*init/ },
    {
      name: 'no JSON',
      content: '{ // a comment',
      environment: {},
      message: /is not JSON: .* Hint: JSON has no comments/,
    },
    {
      name: 'an unknown setting',
      content: '{"lisetn":{}}',
      environment: {},
      message: /lisetn is not a setting; did you mean "listen"\?/,
    },
    {
      name: 'no secret',
      content: 'template',
      environment: {},
      message: /SCEPTER_CLIENT_SECRET is empty or not set\. Hint: Set the variable/,
    },
  ];
  for (const { name, content, environment, message } of rows) {
    it(`with ${name} ends with 1, one sentence and a hint`, async (test) => {
      const folder = await temporaryFolder(test);
      if (content === 'template') await scepterHere(['init'], { folder });
      else if (content !== undefined) await writeFile(join(folder, 'scepter.json'), content);
      const { code, stdout, stderr } = await scepterHere(['serve', '--config', 'scepter.json'], {
        folder,
        environment,
      });
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr.replaceAll(/\n\s*/g, ' '), message);
    });
  }
});

describe('scepter emulate', () => {
  it('runs the emulator alone, says where, and gives out challenges', async (test) => {
    const folder = await temporaryFolder(test);
    const stop = new AbortController();
    const words = ['emulate', '--microsoft-port', '0', '--control-port', '0'];
    const running = startHere(words, { folder, interruption: stop.signal });
    await waitHere(running, 'Ctrl-C');
    const record = await readJson(join(folder, '.scepter', 'emulator.json'));
    assert.ok(running.output().includes(String(record['controlUrl'])));
    const challenges = await scepterHere(['emulate', 'challenge', '--subject', 'CN=a'], { folder });
    assert.match(challenges.stdout, /^[A-Za-z0-9+/=]{100,}\n$/);
    stop.abort();
    assert.equal((await running.ended).code, 0);
  });
});
