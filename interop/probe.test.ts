/**
 * The probe against other people's server, Debian's micromdm `scepserver`, and against ours: what each passes and fails is
 * what `docs/probe.md` says of them.
 */
import { catalogue, probe } from '@scepter/conformance';
import type { CheckState, ProbeOptions, ProbeReport } from '@scepter/conformance';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createScepserverAuthority, scepserverVersion, startScepserver } from '../bench/scepserver.ts';
import { MissingClientError } from './command.ts';
import { freePort } from './free-port.ts';
import { startInteropServer } from './server-fixture.ts';
import type { InteropServer } from './server-fixture.ts';

const reports = new Map<string, ProbeReport>();

function run(url: string, challenge: string, options: Partial<ProbeOptions> = {}): Promise<ProbeReport> {
  return probe({
    url,
    now: () => new Date(),
    randomBytes,
    challenge: { kind: 'static', challenge },
    intervalMs: 0,
    abuse: true,
    ...options,
  });
}

async function probeOurs(): Promise<void> {
  const server = await startInteropServer();
  try {
    reports.set('ours', await run(server.urls.static, server.staticChallenge));
    reports.set('ours, legacy', await run(server.urls.legacy, server.staticChallenge, { algorithms: 'legacy' }));
    const next = (): Promise<string> => server.intuneChallenge('CN=probe');
    const intune = { challenge: { kind: 'fresh', next }, subject: 'CN=probe' } as const;
    reports.set('ours, Intune', await run(server.urls.intune, '', intune));
    reports.set('ours, manual', await probeManual(server));
    await server.administer('POST', '/api/authorities/stage', {});
    const only = ['capabilities', 'rollover', 'enroll.success', 'enroll.issuer'];
    reports.set('ours, rollover', await run(server.urls.static, server.staticChallenge, { only }));
  } finally {
    await server.close();
  }
}

/** Somebody approves whatever waits. */
async function probeManual(server: InteropServer): Promise<ProbeReport> {
  const stop = new AbortController();
  const approving = approveAll(server, stop.signal);
  const only = ['message.nonce-echo', 'enroll.success', 'enroll.issuer', 'renewal', 'poll'];
  const pending = { challenge: { kind: 'none' }, pendingSeconds: 30, pollIntervalMs: 200, only } as const;
  try {
    return await run(server.urls.manual, '', pending);
  } finally {
    stop.abort();
    await approving;
  }
}

async function approveAll(server: InteropServer, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { requests } = await server.administer('GET', '/api/requests?state=pending&endpoint=manual');
    for (const { id } of requests as readonly { readonly id: number }[]) {
      await server.administer('POST', `/api/requests/${id}/approve`);
    }
    await sleep(200);
  }
}

async function probeScepserver(): Promise<void> {
  if ((await scepserverVersion()) === undefined) throw new MissingClientError('scepserver', new Error('not found'));
  const folder = await mkdtemp(join(tmpdir(), 'scepter-probe-'));
  const authority = await createScepserverAuthority(folder);
  const challenge = randomBytes(12).toString('hex');
  const server = await startScepserver({ authority, depot: join(folder, 'depot'), port: await freePort(), challenge });
  try {
    reports.set('scepserver', await run(server.url, challenge));
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const idsOf = (name: string, state: CheckState): string[] =>
  (reports.get(name)?.results ?? []).filter((result) => result.state === state).map(({ id }) => id);

const failuresOf = (name: string): string[] =>
  (reports.get(name)?.results ?? [])
    .filter(({ state }) => state === 'fail' || state === 'inconclusive')
    .map(({ id, saw, state }) => `${state} ${id}: ${saw}`);

before(async () => {
  await probeOurs();
  await probeScepserver();
});

describe('the probe', () => {
  for (const name of ['ours', 'ours, legacy', 'ours, Intune', 'ours, manual', 'ours, rollover']) {
    it(`fails nothing of ${name}`, () => {
      assert.ok(idsOf(name, 'pass').length > 5);
      assert.deepEqual(failuresOf(name), []);
    });
  }

  it('sees a request wait for its approval, and be granted', () => {
    assert.ok(idsOf('ours, manual', 'pass').includes('poll.decided'));
    assert.ok(idsOf('ours, manual', 'pass').includes('poll.pending-envelope'));
  });

  it('sees the next CA once it is staged', () => {
    assert.ok(idsOf('ours, rollover', 'pass').includes('rollover.next-authority'));
  });

  it('finds in scepserver what docs/probe.md says', async () => {
    const page = await readFile(new URL('../docs/probe.md', import.meta.url), 'utf8');
    const [, table = ''] = page.split('## What scepserver does differently');
    const documented = [...table.matchAll(/^\| `([a-z]+\.[a-z0-9-]+)` \|/gm)].map(([, id]) => id ?? '');
    assert.deepEqual(idsOf('scepserver', 'fail').toSorted(), documented.toSorted());
  });
});

const words: Readonly<Record<CheckState, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  'not-applicable': 'n/a',
  inconclusive: 'unclear',
};

after(() => {
  const names = [...reports.keys()];
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd([32, 10][index] ?? 16))
      .join('')
      .trimEnd();
  console.log(line(['check', 'level', ...names]));
  for (const { checks } of catalogue) {
    for (const { id, level } of checks) {
      const states = names.map((name) => reports.get(name)?.results.find((result) => result.id === id)?.state);
      console.log(line([id, level, ...states.map((state) => (state === undefined ? '' : words[state]))]));
    }
  }
});
