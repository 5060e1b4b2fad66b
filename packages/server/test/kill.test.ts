/**
 * The process may die between any two instructions. Each row really kills a server (SIGKILL, from inside, at the boundary
 * behind a step), starts it again on the same folder, and lets the device send the same request again.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { toHex } from '@scepter/x509';
import { createSecretBox } from '../src/store/secret-box.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import type { Enrollment, Store, StoreSummary } from '../src/store/store.ts';
import type { StepName } from '../src/enrollment/steps.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from './device.ts';
import type { Message } from './device.ts';
import { openLaboratory, settingsJson, STATIC_CHALLENGE } from './laboratory.ts';
import type { Laboratory } from './laboratory.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };

interface ServerProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly exited: Promise<NodeJS.Signals | null>;
}

let laboratory: Laboratory;
before(async () => {
  laboratory = await openLaboratory();
  // Only its emulator and folder are used here; the servers are processes of their own.
  await laboratory.server.close();
});
after(() => laboratory.close());

async function startProcess(folder: string, killAfter: StepName | 'never'): Promise<ServerProcess> {
  const { clientSecret } = await laboratory.control.connection();
  writeFileSync(
    join(laboratory.folder, 'settings.json'),
    JSON.stringify({
      ...((await settingsJson(laboratory.control, 0, {
        endpoints: { manual: { authorizer: { kind: 'manual' } } },
      })) as object),
      dataFolder: folder,
    }),
  );
  const child = spawn(
    process.execPath,
    [
      '--conditions=source',
      join(import.meta.dirname, 'killable-server.ts'),
      join(laboratory.folder, 'settings.json'),
      killAfter,
    ],
    { env: { ...process.env, INTUNE_SECRET: clientSecret, STATIC_CHALLENGE }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exited = new Promise<NodeJS.Signals | null>((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (line: Buffer) => resolve(line.toString('utf8').trim()));
    void exited.then(() => reject(new Error('The server did not start.')));
  });
  return { child, url, exited };
}

/** What the dead process left, opened by a new one. */
async function withStore<T>(folder: string, work: (store: Store) => Promise<T>): Promise<T> {
  const secret = readFileSync(join(laboratory.folder, folder, 'master.secret'), 'utf8').trim();
  const store = openSqliteStore({
    path: databasePath(folder),
    secretBox: createSecretBox(secret, () => new Uint8Array(12)),
    now: () => new Date(),
  });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function inspect(folder: string): Promise<{ enrollments: Enrollment[]; summary: StoreSummary }> {
  return withStore(folder, async (store) => ({
    enrollments: await store.listEnrollments(100),
    summary: await store.summary(),
  }));
}

function databasePath(folder: string): string {
  return join(laboratory.folder, folder, 'scepter.db');
}

const rows: readonly [killAfter: StepName, leaves: Enrollment['state'] | 'nothing'][] = [
  ['decode', 'nothing'],
  ['open', 'nothing'],
  ['recall', 'nothing'],
  ['authorize', 'nothing'],
  ['check-policy', 'nothing'],
  ['record-intent', 'intended'],
  ['sign', 'intended'],
  ['store', 'withheld'],
  ['tell-intune', 'withheld'],
  ['release', 'released'],
  ['reply', 'released'],
];

describe('killed behind a step, started again, asked again (Intune)', () => {
  for (const [killAfter, leaves] of rows) {
    it(`${killAfter}: leaves ${leaves}, and the retry succeeds`, async () => {
      const folder = `killed-${killAfter}`;
      const subject = `CN=killed-${killAfter}`;
      const [challenge = ''] = await laboratory.control.createChallenges({ subject, count: 1 });
      const message: Message = {
        csr: certificationRequest(keys, { subject, challenge }),
        transactionId: folder,
        signer,
      };

      const doomed = await startProcess(folder, killAfter);
      const client = await Client.connect(`${doomed.url}/scep/intune`);
      await assert.rejects(client.send(message), 'nothing leaves a server that dies before its reply');
      assert.equal(await doomed.exited, 'SIGKILL');

      const left = await inspect(folder);
      assert.deepEqual(
        left.enrollments.map(({ state }) => state),
        leaves === 'nothing' ? [] : [leaves],
      );

      const risen = await startProcess(folder, 'never');
      const retry = await Client.connect(`${risen.url}/scep/intune`);
      const certificate = issued(await retry.send(message));
      assert.equal(issued(await retry.send(message)).serialHex, certificate.serialHex);
      risen.child.kill('SIGTERM');
      await risen.exited;

      const { enrollments, summary } = await inspect(folder);
      const released = enrollments.filter(({ state }) => state === 'released');
      assert.equal(released.length, 1, 'one certificate');
      assert.equal(
        toHex(released[0]?.certificate ?? new Uint8Array()),
        toHex(certificate.encoded),
        'what left is in the store',
      );
      const serialNumbers = enrollments.map(({ serialNumber }) => serialNumber);
      assert.equal(new Set(serialNumbers).size, serialNumbers.length, 'no serial number twice');
      assert.equal(enrollments.length, leaves === 'intended' ? 2 : 1, 'an abandoned intent stays on record');
      assert.equal(summary.pendingNotifications, 0);
      const told = (await laboratory.control.notifications()).filter(({ transactionId }) => transactionId === folder);
      assert.ok(told.length >= 1 && told.every(({ kind }) => kind === 'success'), 'Intune heard of it');
    });
  }
});

describe('killed with a notification in the outbox', () => {
  it('delivers it after the restart', async () => {
    const folder = 'killed-outbox';
    const [challenge = ''] = await laboratory.control.createChallenges({ subject: 'CN=outbox', count: 1 });
    const message: Message = {
      csr: certificationRequest(keys, { subject: 'CN=outbox', challenge }),
      transactionId: folder,
      signer,
    };
    await laboratory.control.setFault({ operation: 'successNotification', fault: { kind: 'http', status: 503 } });
    const doomed = await startProcess(folder, 'never');
    const client = await Client.connect(`${doomed.url}/scep/intune`);
    assert.equal((await client.send(message)).reply?.status, 'failure');
    doomed.child.kill('SIGKILL');
    await doomed.exited;
    await laboratory.control.clearFaults();
    assert.equal((await inspect(folder)).summary.pendingNotifications, 1);

    const risen = await startProcess(folder, 'never');
    const deadline = Date.now() + 40_000;
    const told = async (): Promise<boolean> =>
      (await laboratory.control.notifications()).some(
        ({ transactionId, kind }) => transactionId === folder && kind === 'success',
      );
    while (!(await told())) {
      assert.ok(Date.now() < deadline, 'the outbox delivers within its first delay');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    risen.child.kill('SIGTERM');
    await risen.exited;
    assert.equal((await inspect(folder)).enrollments[0]?.state, 'withheld', 'the device has not asked again');
  });
});

describe('killed at an endpoint where a person decides', () => {
  /** The device asks; the process dies behind a step; somebody approves; the device polls another process. */
  const rows: readonly [killAfter: StepName, afterApproval: StepName][] = [
    ['reply', 'poll'],
    ['await-approval', 'record-intent'],
    ['await-approval', 'store'],
  ];
  for (const [killAfter, afterApproval] of rows) {
    it(`behind ${killAfter}, and after the approval behind ${afterApproval}`, async () => {
      const folder = `killed-manual-${killAfter}-${afterApproval}`;
      const message: Message = { csr: certificationRequest(keys), transactionId: folder, signer };
      const poll: Message = { ...message, messageType: 'CertPoll' };
      const sendTo = async ({ url, exited }: ServerProcess, sent: Message): Promise<void> => {
        const client = await Client.connect(`${url}/scep/manual`);
        await assert.rejects(client.send(sent));
        assert.equal(await exited, 'SIGKILL');
      };
      await sendTo(await startProcess(folder, killAfter), message);
      const records = await withStore(folder, async (store) => {
        const found = await store.listPendingRequests({ limit: 10 }, new Date());
        for (const { id } of found) {
          await store.decidePendingRequest(id, { decision: 'approved', at: new Date(), by: 'ann' });
        }
        return found;
      });
      assert.equal(records.length, 1, 'on record');

      await sendTo(await startProcess(folder, afterApproval), poll);
      const risen = await startProcess(folder, 'never');
      const client = await Client.connect(`${risen.url}/scep/manual`);
      const { serialHex } = issued(await client.send(poll));
      assert.equal(issued(await client.send(message)).serialHex, serialHex);
      risen.child.kill('SIGTERM');
      await risen.exited;
      const { enrollments } = await inspect(folder);
      assert.deepEqual(
        enrollments.filter(({ state }) => state === 'released').map(({ serialNumber }) => serialNumber),
        [serialHex],
        'one certificate',
      );
    });
  }
});
