/** A one-time challenge stays good for one certificate, and for the request that claimed it, whenever the server dies. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { StepName } from '../../../src/enrollment/steps.ts';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../../device.ts';
import type { Message } from '../../device.ts';
import { administer, adminRecord } from '../../http/admin-client.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
const folder = mkdtempSync(join(tmpdir(), 'scepter-killed-'));
after(() => rmSync(folder, { recursive: true }));

const settings = {
  listen: { port: 0 },
  publicUrl: 'http://127.0.0.1:1',
  dataFolder: 'data',
  authority: { organization: 'Killed' },
  endpoints: { printers: { authorizer: { kind: 'one-time-challenge' } } },
};

async function startProcess(killAfter: StepName | 'never') {
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  const program = join(import.meta.dirname, '../../killable-server.ts');
  const words = ['--conditions=source', program, join(folder, 'settings.json'), killAfter];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { client: await Client.connect(`${line.toString('utf8').trim()}/scep/printers`), child, exited };
}

function request(challenge: string, transactionId: string): Message {
  return { csr: certificationRequest(keys, { subject: `CN=${transactionId}`, challenge }), transactionId, signer };
}

describe('a one-time challenge of a server that is killed', () => {
  for (const step of ['record-intent', 'sign', 'store'] as const) {
    it(`behind ${step} serves the same request after the restart, and no other`, async () => {
      const doomed = await startProcess(step);
      const body = { endpoint: 'printers', kind: 'one-time', validForSeconds: 3600 };
      const created = await administer({ folder }, 'POST /api/challenges', { body });
      const challenge = String(created.body['challenge']);
      const message = request(challenge, `killed-${step}`);
      await assert.rejects(doomed.client.send(message));
      await doomed.exited;
      const stale = readFileSync(join(folder, 'data', 'admin.json'), 'utf8');

      const risen = await startProcess('never');
      assert.notEqual(JSON.stringify(adminRecord({ folder })), stale.trim(), 'the record that was left is replaced');
      const thief = await risen.client.send(request(challenge, `thief-${step}`));
      assert.equal(thief.reply?.status, 'failure');
      const { serialHex } = issued(await risen.client.send(message));
      assert.equal(issued(await risen.client.send(message)).serialHex, serialHex);
      const another = await risen.client.send(request(challenge, `another-${step}`));
      assert.equal(another.reply?.status, 'failure');
      const { body: list } = await administer({ folder }, 'GET /api/challenges');
      const challenges = list['challenges'] as Record<string, unknown>[];
      assert.equal(challenges.find(({ id }) => id === created.body['id'])?.['uses'], 1);
      risen.child.kill('SIGTERM');
      await risen.exited;
    });
  }
});
