/** S19: the least that is accepted, whatever somebody between makes of GetCACaps. More: `../enrollment/refused-messages.test.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { certificationRequest, Client, issued } from '../device.ts';
import type { Message } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { newPerson } from './attack-laboratory.ts';

const device = newPerson();
let laboratory: Laboratory;
let count = 0;

before(async () => {
  laboratory = await openLaboratory();
});
after(() => laboratory.close());

const at = (endpoint: string): Promise<Client> => Client.connect(`${laboratory.server.url}/scep/${endpoint}`);

function enrollment(changes: Partial<Message> = {}): Message {
  const csr = certificationRequest(device, { challenge: STATIC_CHALLENGE });
  return { csr, transactionId: `floor-${(count += 1)}`, signer: device, ...changes };
}

describe('S19: single DES and MD5', () => {
  for (const endpoint of ['intune', 'other', 'static']) {
    it(`are refused at /scep/${endpoint}, and not offered`, async () => {
      const client = await at(endpoint);
      for (const changes of [{ digest: 'md5' }, { contentCipher: 'des-cbc' }] as const) {
        const { reply } = await client.send(enrollment(changes));
        assert.ok(reply?.status === 'failure');
        assert.equal(reply.failInfo, 'badAlg');
      }
      const offered = await (await fetch(`${client.url}?operation=GetCACaps`)).text();
      assert.doesNotMatch(offered, /MD5|\bDES\b/);
    });
  }
});

describe('S19: a renewal, which only its signature speaks for (RFC 8894 7.9)', () => {
  const rows: readonly [name: string, algorithms: Partial<Message>][] = [
    ['SHA-1', { digest: 'sha1' }],
    ['triple DES', { contentCipher: 'des-ede3-cbc' }],
  ];
  for (const [name, algorithms] of rows) {
    for (const messageType of ['RenewalReq', 'PKCSReq'] as const) {
      it(`with ${name} as ${messageType} is refused where an enrollment with it is not`, async () => {
        const client = await at('static');
        const certificate = issued(await client.send(enrollment(algorithms)));
        const renewal: Message = {
          csr: certificationRequest(device),
          transactionId: `floor-${(count += 1)}`,
          signer: { certificate, privateKey: device.privateKey },
          messageType,
        };
        const { reply } = await client.send({ ...renewal, ...algorithms });
        assert.ok(reply?.status === 'failure');
        assert.equal(reply.failInfo, 'badAlg');
        issued(await client.send(renewal));
      });
    }
  }
});
