/** RFC 8894 7.9: where a signature is all that authorizes, weak algorithms authorize nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Certificate } from '@scepter/x509';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const nextKeys = newKeys();
let laboratory: Laboratory;
let count = 0;

before(async () => {
  laboratory = await openLaboratory({
    endpoints: {
      'legacy-renewal': {
        authorizer: { kind: 'static-challenge', challenge: { environment: 'STATIC_CHALLENGE' } },
        algorithms: 'legacy',
        renewal: true,
      },
      'compatible-renewal': {
        authorizer: { kind: 'static-challenge', challenge: { environment: 'STATIC_CHALLENGE' } },
        algorithms: 'compatible',
        renewal: true,
      },
    },
  });
});
after(() => laboratory.close());

const connect = (endpoint: string): Promise<Client> => Client.connect(`${laboratory.server.url}/scep/${endpoint}`);

async function enrolled(client: Client): Promise<Certificate> {
  return issued(
    await client.send({
      csr: certificationRequest(keys, { challenge: STATIC_CHALLENGE }),
      transactionId: `weak-${(count += 1)}`,
      signer: { certificate: selfSigned(keys), privateKey: keys.privateKey },
    }),
  );
}

function renewal(certificate: Certificate, changes: Partial<Message>): Message {
  return {
    csr: certificationRequest(nextKeys),
    transactionId: `weak-${(count += 1)}`,
    signer: { certificate, privateKey: keys.privateKey },
    messageType: 'RenewalReq',
    ...changes,
  };
}

describe('a renewal by signature alone', () => {
  const weak: readonly [string, Partial<Message>][] = [
    ['SHA-1', { digest: 'sha1' }],
    ['triple DES', { contentCipher: 'des-ede3-cbc' }],
    ['SHA-1 and triple DES in a PKCSReq', { digest: 'sha1', contentCipher: 'des-ede3-cbc', messageType: 'PKCSReq' }],
  ];
  for (const [name, algorithms] of weak) {
    for (const endpoint of ['static', 'compatible-renewal', 'legacy']) {
      it(`with ${name} at /scep/${endpoint}: badAlg`, async () => {
        const client = await connect(endpoint);
        const message = renewal(await enrolled(client), algorithms);
        const { reply } = await client.send(message);
        assert.ok(reply?.status === 'failure');
        assert.equal(reply.failInfo, 'badAlg');
        const refused = laboratory.steps.findLast(({ outcome }) => outcome === 'refused');
        assert.equal(refused?.refusal, 'renewal.weak_algorithm');
        issued(await client.send({ ...message, digest: 'sha256', contentCipher: 'aes-128-cbc' }));
      });
    }
    it(`with ${name} where an administrator of a legacy endpoint wrote that it may: renewed`, async () => {
      const client = await connect('legacy-renewal');
      issued(await client.send(renewal(await enrolled(client), algorithms)));
    });
  }

  it('with a challenge beside the signature, in a PKCSReq, is decided by the challenge', async () => {
    const client = await connect('static');
    const csr = certificationRequest(nextKeys, { challenge: STATIC_CHALLENGE });
    issued(await client.send(renewal(await enrolled(client), { csr, digest: 'sha1', messageType: 'PKCSReq' })));
  });
});
