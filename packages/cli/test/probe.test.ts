import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { capabilitiesFor } from '@scepter/scep';
import { displayWidth } from '../src/terminal.ts';
import { scepterHere } from './run-here.ts';

/** It knows GetCACaps and nothing else, and writes something nasty where it can. */
let server: Server;
let url: string;
let folder: string;
const nasty = 'text/plain; x="\u009B31m"';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scepter-cli-probe-'));
  server = createServer((request, response) => {
    if (request.url?.includes('operation=GetCACaps') === true) {
      response.setHeader('content-type', 'text/plain');
      response.end(capabilitiesFor('modern', { renewal: false }));
    } else {
      response.writeHead(404, { 'content-type': nasty });
      response.end('no');
    }
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/scep`;
});

after(async () => {
  server.closeAllConnections();
  await new Promise((settle) => server.close(settle));
  await rm(folder, { recursive: true, force: true });
});

describe('scepter probe', () => {
  it('prints every check under its group, in 80 columns, and ends with 1 when a MUST failed', async () => {
    const words = ['probe', url, '--group', 'capabilities', '--group', 'ca-certificates'];
    const { code, stdout, stderr } = await scepterHere(words);
    assert.deepEqual([code, stderr], [1, '']);
    assert.match(stdout, /^Capabilities \(GetCACaps\)\n {2}pass {5}caps\.answer +MUST {6}RFC 8894 2\.9, 3\.5\.1\n/);
    assert.match(stdout, /^ {2}FAIL {5}ca\.decodes +MUST {6}RFC 8894 4\.2\.1\n {11}GetCACert gives/m);
    assert.match(stdout, /^ {11}Saw: HTTP 404, text\/plain; x="\\x9b31m", 2 bytes$/m);
    assert.match(stdout, /^What failed\n {2}ca\.decodes \(MUST\): /m);
    assert.match(stdout, /^20 checks: 9 passed, \d+ failed, 1 of them of the level MUST/m);
    for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= 80, line);
  });

  it('ends with 0 when no MUST failed', async () => {
    const { code, stdout } = await scepterHere(['probe', url, '--check', 'caps.answer', '--check', 'http.path-suffix']);
    assert.equal(code, 0);
    assert.match(stdout, /2 checks: 1 passed, 1 failed, none of them of the level MUST/);
  });

  it('ends with 3 when a MUST stayed unclear, here for the want of a certificate to encrypt to', async () => {
    const words = ['probe', url, '--check', 'enroll.success', '--challenge-command', 'exit 1'];
    const { code, stdout } = await scepterHere(words);
    assert.match(stdout, /^1 check: 0 passed, 0 failed, 0 not applicable, 1 unclear/m);
    assert.equal(code, 3);
  });

  it('says so, and ends with 3, where no SCEP service is', async () => {
    const elsewhere = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((settle) => elsewhere.listen(0, '127.0.0.1', settle));
    const { port } = elsewhere.address() as AddressInfo;
    const { code, stdout, stderr } = await scepterHere(['probe', `http://127.0.0.1:${port}/`]);
    elsewhere.closeAllConnections();
    await new Promise((settle) => elsewhere.close(settle));
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(stderr, /^scepter: There is no SCEP service: HTTP 404 to GetCACaps and GetCACert\.$/m);
  });

  it('prints only what failed or is unclear with --brief', async () => {
    const { stdout } = await scepterHere(['probe', url, '--group', 'capabilities', '--check', 'ca.decodes', '--brief']);
    assert.match(stdout, /^CA certificates/);
    assert.doesNotMatch(stdout, /caps\./);
  });

  it('says before it probes that the JUnit file cannot be written', async () => {
    const { code, stdout, stderr } = await scepterHere(['probe', url, '--junit', 'none/probe.xml'], { folder });
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^scepter: --junit cannot be written/);
  });

  it('prints JSON and nothing else with --json, safe for a terminal', async () => {
    const { code, stdout, stderr } = await scepterHere(['probe', url, '--check', 'ca.decodes', '--json']);
    assert.deepEqual([code, stderr, stdout.endsWith('}\n')], [1, '', true]);
    const {
      checks,
      conforms,
      url: probed,
    } = JSON.parse(stdout) as { checks: { id: string }[]; conforms: boolean; url: string };
    assert.deepEqual([checks.map(({ id }) => id), conforms, probed], [['ca.decodes'], false, url]);
    // oxlint-disable-next-line no-control-regex -- exactly these must not be there.
    assert.doesNotMatch(stdout.trim(), /[\u0000-\u001F\u007F-\u009F]/);
  });

  it('writes JUnit XML beside the report', async () => {
    await scepterHere(['probe', url, '--group', 'http', '--junit', 'probe.xml'], { folder });
    const xml = await readFile(join(folder, 'probe.xml'), 'utf8');
    assert.match(xml, /<testsuite name="http" tests="9" /);
  });

  it('warns before it sends hostile messages', async () => {
    const { stderr } = await scepterHere(['probe', url, '--abuse', '--check', 'abuse.methods']);
    assert.match(stderr, /^Warning: --abuse sends hostile messages/);
  });

  it('shows no challenge, wherever it comes from', async () => {
    await writeFile(join(folder, 'challenge.txt'), 'CANARY-file\n');
    const sources = [
      ['--challenge', 'CANARY-option'],
      ['--challenge-file', 'challenge.txt'],
      ['--challenge-command', 'echo CANARY-command'],
      ['--challenge-command', 'echo CANARY-failed; exit 3'],
    ];
    for (const source of sources) {
      const { stdout, stderr } = await scepterHere(['probe', url, '--group', 'enrollment', ...source], { folder });
      assert.doesNotMatch(stdout + stderr, /CANARY/);
    }
  });

  it('ends with 3 when the server cannot be reached', async () => {
    const { code, stdout, stderr } = await scepterHere(['probe', 'http://127.0.0.1:1/scep']);
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(stderr, /nobody to probe: the server cannot\s+be reached \(ECONNREFUSED\)\.\nHint: Check the URL/);
  });

  it('ends with 3 when it is interrupted', async () => {
    const { code, stderr } = await scepterHere(['probe', url], { interruption: AbortSignal.abort() });
    assert.equal(code, 3);
    assert.match(stderr, /Interrupted before the probe was done/);
  });

  const wrong: readonly (readonly [words: string[], message: RegExp])[] = [
    [[], /missing required argument 'url'/],
    [['ftp://ca.example/'], /is not an http or https URL/],
    [['http://ca.example/', '--group', 'nothing'], /The groups are http, capabilities/],
    [['http://ca.example/', '--check', 'http.nothing'], /There is no check "http\.nothing"/],
    [['http://ca.example/', '--check', 'abuse.oracle'], /abuse\.oracle is hostile: it needs --abuse/],
    [['http://ca.example/', '--group', 'abuse'], /The group abuse is hostile: it needs --abuse/],
    [['http://ca.example/', '--subject', 'nobody'], /is not a subject name/],
    [['http://ca.example/', '--one-time'], /--one-time says something of a challenge/],
    [['http://ca.example/', '--challenge', 'a', '--challenge-file', 'b'], /exclude each other/],
    [['http://ca.example/', '--challenge-file', '/nowhere/at/all'], /There is no file/],
    [['http://ca.example/', '--timeout', '0'], /a number of seconds from 1 to 3600/],
    [['http://ca.example/', '--tls-ca', '/nowhere/at/all'], /There is no file/],
    [['http://ca.example/', '--ca-fingerprint', 'ABCD'], /not a SHA-256 fingerprint/],
  ];
  for (const [words, message] of wrong) {
    it(`ends with 2, before anything is sent: probe ${words.slice(1).join(' ')}`, async () => {
      const { code, stdout, stderr } = await scepterHere(['probe', ...words]);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr.replaceAll(/\s+/g, ' '), message);
    });
  }
});
