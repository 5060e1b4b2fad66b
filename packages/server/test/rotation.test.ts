import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { certificationRequest, Client, issued, newKeys, selfSigned } from './device.ts';
import { openLaboratory } from './laboratory.ts';
import type { Laboratory } from './laboratory.ts';

const keys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };

describe("a new secret in the old one's file", () => {
  let laboratory: Laboratory;
  before(async () => {
    laboratory = await openLaboratory({ secretInFile: true });
  });
  after(() => laboratory.close());

  async function enroll(subject: string): Promise<ReturnType<Client['send']>> {
    const [challenge = ''] = await laboratory.control.createChallenges({ subject });
    const csr = certificationRequest(keys, { subject, challenge });
    const client = await Client.connect(`${laboratory.server.url}/scep/intune`);
    return client.send({ csr, transactionId: subject, signer });
  }

  it('is used from the next sign-in on, without a restart and without a failed enrollment', async () => {
    issued(await enroll('CN=before'));
    const { secret } = await laboratory.control.addApplicationSecret();
    writeFileSync(join(laboratory.folder, 'client.secret'), `${secret}\n`);
    await laboratory.control.removeApplicationSecret('initial');
    issued(await enroll('CN=meanwhile'));
    // The tokens of the old secret have ended by then.
    laboratory.advanceMs(2 * 3_600_000);
    issued(await enroll('CN=after'));
  });

  it('that Microsoft Entra does not know issues nothing, and is mended in place', async () => {
    const { secret } = await laboratory.control.addApplicationSecret();
    writeFileSync(join(laboratory.folder, 'client.secret'), 'not.one~of.Entras');
    laboratory.advanceMs(2 * 3_600_000);
    assert.deepEqual((await enroll('CN=wrong')).reply, { status: 'failure', failInfo: 'badRequest' });
    writeFileSync(join(laboratory.folder, 'client.secret'), secret);
    issued(await enroll('CN=mended'));
  });
});
