/** What an orderly stop owes the devices and Intune. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { certificationRequest, Client, issued, newKeys, selfSigned } from './device.ts';
import type { Message } from './device.ts';
import { openLaboratory } from './laboratory.ts';
import type { Laboratory } from './laboratory.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
let laboratory: Laboratory;
before(async () => {
  laboratory = await openLaboratory({ intuneTimeoutMs: 15_000 });
});
after(() => laboratory.close());

describe('a server that is stopped', () => {
  it('answers the request in work first, however slow Intune is, takes no new one, and reports no failure', async () => {
    const client = await Client.connect(`${laboratory.server.url}/scep/intune`);
    const [challenge = ''] = await laboratory.control.createChallenges({ subject: 'CN=slow', count: 1 });
    const message: Message = {
      csr: certificationRequest(keys, { subject: 'CN=slow', challenge }),
      transactionId: 'slow',
      signer,
    };
    await laboratory.control.setFault({ operation: 'validateRequest', fault: { kind: 'delay', delayMs: 6_500 } });
    const answer = client.send(message);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const restarted = laboratory.restart();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await assert.rejects(Client.connect(client.url), 'it does not listen any more');
    const { serialHex } = issued(await answer);
    await restarted;
    assert.equal((await laboratory.server.store.findBySerialNumber(serialHex))?.state, 'released');
    const told = (await laboratory.control.notifications()).filter(({ transactionId }) => transactionId === 'slow');
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ['success'],
    );
    assert.equal((await laboratory.server.store.summary()).pendingNotifications, 0);
  });
});
