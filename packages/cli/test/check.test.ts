import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ConnectionReport } from '@scepter/intune';
import { EmulatorControl } from '@scepter/intune-emulator';
import { displayWidth } from '../src/terminal.ts';
import { scepterHere, startHere, waitHere } from './run-here.ts';
import type { RunningHere } from './run-here.ts';
import { readJson, startScepter, temporaryFolder } from './run-scepter.ts';

let folder: string;
let running: RunningHere;
let control: EmulatorControl;
let clientSecret: string;
const stop = new AbortController();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scepter-check-'));
  const words = ['emulate', '--microsoft-port', '0', '--control-port', '0'];
  running = startHere(words, { folder, interruption: stop.signal });
  await waitHere(running, 'Ctrl-C');
  const { controlUrl } = await readJson(join(folder, '.scepter', 'emulator.json'));
  control = new EmulatorControl({ url: String(controlUrl), fetch });
  ({ clientSecret } = await control.connection());
  await writeFile(join(folder, 'check.json'), JSON.stringify(await configuration()));
});

after(async () => {
  stop.abort();
  await running.ended;
  await rm(folder, { recursive: true, force: true });
});

afterEach(() => control.clearFaults());

/** Two connections to the emulated tenant, the second with a secret of another. */
async function configuration(): Promise<object> {
  const { tenantId, clientId, authorityUrl, graphUrl, intuneResource, tlsCaFile } = await control.connection();
  const connection = { tenantId, clientId, authorityUrl, graphUrl, intuneResource, tlsCaFile, allowLoopback: true };
  return {
    dataFolder: 'data',
    authority: { organization: 'Contoso' },
    masterSecret: { environment: 'NOT_SET_HERE' },
    connections: {
      good: { ...connection, clientSecret: { environment: 'SECRET' } },
      bad: { ...connection, clientSecret: { environment: 'OTHER' } },
    },
    endpoints: { intune: { authorizer: { kind: 'intune', connection: 'good' } } },
  };
}

const environment = () => ({ SECRET: clientSecret, OTHER: 'CANARY-of-another-tenant' });
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

describe('scepter check', () => {
  it('examines the demo or emulator that runs in this folder, without any option', async () => {
    const { code, stdout, stderr } = await scepterHere(['check'], { folder });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^emulator: tenant [0-9a-f-]{36}, application\n {2}[0-9a-f-]{36}\n/);
    assert.match(stdout, /^ {2}ok {7}Validation by Intune +\d+ ms$/m);
    assert.match(stdout, /^ {2}ok {7}TLS to Microsoft Entra; TLS to Microsoft Graph +\d+ ms$/m, 'they share a host');
    assert.doesNotMatch(stdout, /Hint/);
    assert.match(stdout, /^ {2}skipped {2}Proxy\n {11}No proxy is configured\.$/m);
    assert.match(stdout, /^All is well, in \d+ ms\.$/m);
    for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= 80, line);
  });

  it('examines every connection of a configuration, and says what is wrong with which', async () => {
    const words = ['check', '--config', 'check.json'];
    const { code, stdout, stderr } = await scepterHere(words, { folder, environment: environment() });
    assert.deepEqual([code, stderr], [2, '']);
    const [good = '', bad = ''] = stdout.split(/^(?=bad: )/m);
    assert.match(good, /^good: .*All is well/s);
    assert.match(bad, /^ {2}FAILED {3}Token for Microsoft Graph/m);
    assert.match(
      flat(bad),
      /AADSTS7000215.*Hint: .* FAILED Token for Intune .*Hint: As for Token for Microsoft Graph\./,
    );
    assert.match(
      flat(bad),
      /skipped Permission Application\.Read\.All; Discovery of Intune; .* Not tried, because of: Token for Microsoft Graph\./,
    );
    assert.match(bad, /^2 failed, 0 with a warning, 7 skipped, in \d+ ms\.$/m);
    assert.ok(!stdout.includes('CANARY') && !stdout.includes(clientSecret));
    const one = await scepterHere([...words, '--connection', 'good'], { folder, environment: environment() });
    assert.equal(one.code, 0);
    assert.doesNotMatch(one.stdout, /^bad/m);
  });

  it('prints the reports once, as JSON and nothing else', async () => {
    const words = ['check', '--config', 'check.json', '--json'];
    const { code, stdout, stderr } = await scepterHere(words, { folder, environment: environment() });
    assert.deepEqual([code, stderr], [2, '']);
    assert.equal(stdout.split('\n').length, 2);
    const { ok, exitCode, reports } = JSON.parse(stdout) as {
      ok: boolean;
      exitCode: number;
      reports: (ConnectionReport & { connection: string })[];
    };
    assert.deepEqual([ok, exitCode], [false, 2]);
    assert.deepEqual(
      reports.map((report) => [report.connection, report.ok, report.checks.length]),
      [
        ['good', true, 14],
        ['bad', false, 14],
      ],
    );
    assert.ok(!stdout.includes('CANARY') && !stdout.includes(clientSecret));
  });

  it('ends with 1 for warnings', async () => {
    const fault = { kind: 'code', code: 'SubjectNameMismatch' } as const;
    await control.setFault({ operation: 'validateRequest', fault });
    const { code, stdout } = await scepterHere(['check', '--demo'], { folder });
    assert.equal(code, 1);
    assert.match(stdout, /^ {2}WARNING {2}Validation by Intune/m);
    assert.match(stdout, /^It works; 1 with a warning, in \d+ ms\.$/m);
  });

  for (const format of [[], ['--json']]) {
    it(`shows nothing that a terminal acts on, whatever Intune says${format.map((word) => ` (${word})`).join('')}`, async () => {
      const errorDescription = 'a\u001B[31mb\u009B1mc\r\nd\u202Ee\u2066f\u007Fg';
      const body = { code: 'SubjectName\u202EMismatch', errorDescription };
      const fault = { kind: 'wrongJson', body } as const;
      await control.setFault({ operation: 'validateRequest', fault });
      const { code, stdout } = await scepterHere(['check', '--demo', ...format], { folder });
      assert.equal(code, 1);
      assert.match(stdout, /SubjectName\\u/);
      assert.doesNotMatch(stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    });
  }

  it("reads Microsoft's property names from a file or the environment", async () => {
    const { tenantId, clientId, authorityUrl, graphUrl, intuneResource, tlsCaFile } = await control.connection();
    const properties = {
      TENANT: tenantId,
      AAD_APP_ID: clientId,
      AAD_APP_KEY: clientSecret,
      PROVIDER_NAME_AND_VERSION: 'Test CA 1.0',
      AUTH_AUTHORITY: authorityUrl,
      MS_GRAPH_RESOURCE_URL: graphUrl,
      INTUNE_RESOURCE_URL: intuneResource,
      TLS_CA_FILE: tlsCaFile,
    };
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`);
    await writeFile(join(folder, 'intune.properties'), lines.join('\n'));
    const fromFile = await scepterHere(['check', '--properties', 'intune.properties'], { folder });
    // Properties have no name for allowLoopback: without the option it goes as far as discovery and no further.
    assert.equal(fromFile.code, 2, fromFile.stderr);
    assert.match(fromFile.stdout, /^ {2}ok {7}Permission scep_challenge_provider/m);
    assert.match(
      flat(fromFile.stdout),
      /FAILED Discovery of Intune .* is refused: its host 127\.0\.0\.1 is not one of Intune's/,
    );
    const allowing = await scepterHere(['check', '--properties', 'intune.properties', '--allow-loopback'], { folder });
    assert.equal(allowing.code, 0, allowing.stdout + allowing.stderr);
    const fromEnvironment = await scepterHere(['check', '--environment', '--allow-loopback'], {
      folder,
      environment: properties,
    });
    assert.equal(fromEnvironment.code, 0, fromEnvironment.stdout + fromEnvironment.stderr);
    assert.match(fromEnvironment.stdout, /^environment: tenant /);
    const alone = await scepterHere(['check', '--allow-loopback'], { folder });
    assert.equal(alone.code, 3);
    assert.match(alone.stderr, /--allow-loopback goes with --properties or --environment\./);
  });

  for (const operation of ['token', 'discovery', 'validateRequest'] as const) {
    it(`can be interrupted at the ${operation}, at once, which is no news of the connection`, async () => {
      await control.setFault({ operation, fault: { kind: 'delay', delayMs: 30_000 }, times: 1 });
      const child = startScepter(['check', '--demo', '--json'], { folder });
      // The fault is gone as soon as it has hit.
      while ((await control.faults()).length > 0) await pause(20);
      const interruptedAt = performance.now();
      child.child.kill('SIGINT');
      const { code, stdout, stderr } = await child.ended;
      assert.deepEqual([code, stdout], [3, '']);
      assert.match(stderr, /^scepter: Interrupted before the check was done\.$/m);
      assert.ok(performance.now() - interruptedAt < 3000);
    });
  }

  it('waits no longer than it is told to', async () => {
    await control.setFault({ operation: 'discovery', fault: { kind: 'delay', delayMs: 30_000 } });
    const { code, stdout } = await scepterHere(['check', '--demo', '--timeout', '1'], { folder });
    assert.equal(code, 2);
    assert.match(flat(stdout), /FAILED Discovery of Intune .*No complete answer within 1000 ms/);
  });

  it('ends its process with the code, for monitoring', async () => {
    const child = startScepter(['check', '--json', '--config', 'check.json', '--connection', 'bad'], {
      folder,
      environment: environment(),
    });
    const { code, stdout, stderr } = await child.ended;
    assert.deepEqual([code, stderr], [2, '']);
    assert.equal((JSON.parse(stdout) as { exitCode: number }).exitCode, 2);
  });
});

describe('scepter check ends with 3, a sentence and a hint', () => {
  const rows: [name: string, words: string[], message: RegExp][] = [
    ['for an unknown option', ['--foo'], /unknown option '--foo'.* Hint: scepter check --help/],
    ['for a time that is none', ['--timeout', '0'], /1 to 600/],
    ['for two sources', ['--demo', '--environment'], /--environment and --demo exclude each other\. Hint: /],
    [
      'for a name without a configuration',
      ['--demo', '--connection', 'a'],
      /--connection and --demo exclude each other/,
    ],
    [
      'for an unknown connection',
      ['--config', 'check.json', '--connection', 'x'],
      /has no connection "x"\. Hint: It has good, bad\./,
    ],
    ['for a missing configuration', ['--config', 'none.json'], /There is no file \S+none\.json\. Hint: /],
    ['for a missing properties file', ['--properties', 'none'], /There is no file \S+none\. Hint: Give the path/],
    ['for missing properties', ['--environment'], /AAD_APP_ID is required\. Hint: packages\/intune\/README\.md/],
    [
      'for a secret in place of a configuration',
      ['--config', 'secret'],
      /is not JSON: it does not begin with \{\. Hint/,
    ],
    ['for a secret in place of properties', ['--properties', 'secret'], /is required\. Hint/],
    ['for a secret that is not set', ['--config', 'secretless.json'], /NOT_SET_HERE is empty or not set\. Hint: /],
  ];
  for (const [name, words, message] of rows) {
    it(name, async () => {
      const text = await readFile(join(folder, 'check.json'), 'utf8');
      await writeFile(join(folder, 'secretless.json'), text.replace('"OTHER"', '"NOT_SET_HERE"'));
      await writeFile(join(folder, 'secret'), 'CANARY~secret');
      const { code, stdout, stderr } = await scepterHere(['check', ...words], {
        folder,
        environment: words.includes('--environment') ? {} : environment(),
      });
      assert.equal(code, 3, stderr);
      assert.equal(stdout, '');
      assert.match(flat(stderr), message);
      assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
      assert.doesNotMatch(stderr, /CANARY/);
    });
  }

  it('where there is nothing to check', async (test) => {
    const { code, stderr } = await scepterHere(['check'], { folder: await temporaryFolder(test) });
    assert.equal(code, 3);
    assert.match(flat(stderr), /no scepter\.json in this folder, and no demo has run here\. Hint: Say what to check/);
  });
});
