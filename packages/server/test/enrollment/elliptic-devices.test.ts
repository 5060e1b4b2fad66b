/** RFC 8894 3.1: devices whose keys cannot encrypt are answered under their challenge. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { encodeIssuerAndSerialNumber } from '@scepter/scep';
import type { Certificate } from '@scepter/x509';
import { certificationRequest, Client, issued, selfSigned } from '../device.ts';
import type { DeviceKeys, Message, Sent } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const challenge = STATIC_CHALLENGE;
let laboratory: Laboratory;
let client: Client;
let manual: Client;
let count = 0;

before(async () => {
  laboratory = await openLaboratory({
    endpoints: {
      manual: { authorizer: { kind: 'manual' } },
      short: {
        authorizer: { kind: 'static-challenge', challenge: { environment: 'SHORT_CHALLENGE' } },
        algorithms: 'legacy',
      },
    },
    environment: { SHORT_CHALLENGE: 'ten chars.' },
  });
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
  manual = await Client.connect(`${laboratory.server.url}/scep/manual`);
});
after(() => laboratory.close());

const newEcKeys = (namedCurve = 'P-256'): DeviceKeys => generateKeyPairSync('ec', { namedCurve });

function request(keys: DeviceKeys, password: string | undefined, changes: Partial<Message> = {}): Message {
  const options = { subject: 'CN=elliptic', ...(password === undefined ? {} : { challenge: password }) };
  return {
    csr: certificationRequest(keys, options),
    transactionId: `elliptic-${(count += 1)}`,
    signer: { certificate: selfSigned(keys, 'CN=elliptic'), privateKey: keys.privateKey },
    ...(password === undefined ? {} : { replyPassword: password }),
    ...changes,
  };
}

function failure(sent: Sent): string {
  assert.ok(sent.reply?.status === 'failure');
  const refused = laboratory.steps.findLast(({ outcome }) => outcome === 'refused');
  return `${sent.reply.failInfo} ${refused?.refusal ?? ''}`;
}

async function issuedInAll(): Promise<number> {
  const { enrollments } = await laboratory.server.store.summary();
  return enrollments.released + enrollments.intended + enrollments.withheld;
}

describe('a device with an EC key', () => {
  for (const curve of ['P-256', 'P-384', 'P-521']) {
    it(`on ${curve} gets its certificate under its challenge`, async () => {
      const keys = newEcKeys(curve);
      const certificate = issued(await client.send(request(keys, challenge)));
      assert.deepEqual(certificate.publicKey.encoded, selfSigned(keys).publicKey.encoded);
    });
  }

  it('sends its request again and gets the same certificate', async () => {
    const message = request(newEcKeys(), challenge);
    const { serialHex } = issued(await client.send(message));
    assert.equal(issued(await client.send(message)).serialHex, serialHex);
  });

  it('gets one from Intune', async () => {
    const [password = ''] = await laboratory.control.createChallenges({ subject: 'CN=elliptic', count: 1 });
    const intune = await Client.connect(`${laboratory.server.url}/scep/intune`);
    issued(await intune.send(request(newEcKeys(), password)));
  });

  it('reads a failure, which has no envelope', async () => {
    const wrong = 'a challenge that is wrong';
    assert.equal(failure(await client.send(request(newEcKeys(), wrong))), 'badRequest authorization.challenge_wrong');
  });

  const unsealable: readonly [string, string | undefined][] = [
    ['without a challenge', undefined],
    ['with an empty challenge', ''],
    ['with a challenge too short for a key', 'fifteen letters'],
  ];
  for (const [name, password] of unsealable) {
    it(`${name} is refused before anything is issued or put on record`, async () => {
      const before = await issuedInAll();
      for (const at of [client, manual]) {
        assert.equal(failure(await at.send(request(newEcKeys(), password))), 'badAlg message.recipient_key');
      }
      assert.equal(await issuedInAll(), before);
      assert.deepEqual(await laboratory.server.store.listPendingRequests({ limit: 10 }, new Date()), []);
    });
  }

  it('is refused where the challenge of the endpoint is right but too short for a key', async () => {
    const short = await Client.connect(`${laboratory.server.url}/scep/short`);
    assert.equal(failure(await short.send(request(newEcKeys(), 'ten chars.'))), 'badAlg message.recipient_key');
  });

  it('polls until it is approved, and is answered under the challenge of its request', async () => {
    const message = request(newEcKeys(), challenge);
    const poll: Message = { ...message, messageType: 'CertPoll' };
    assert.deepEqual((await manual.send(message)).reply, { status: 'pending' });
    assert.deepEqual((await manual.send(poll)).reply, { status: 'pending' });
    const [record] = await laboratory.server.store.listPendingRequests({ limit: 1 }, new Date());
    assert.equal(record?.keyDescription, 'EC P-256');
    await laboratory.server.store.decidePendingRequest(record.id, { decision: 'approved', at: new Date(), by: 'ann' });
    const { serialHex } = issued(await manual.send(poll));
    assert.equal(issued(await manual.send(message)).serialHex, serialHex);
  });

  it('cannot be answered when it polls where no request of it waits: nothing says under what', async () => {
    const message = request(newEcKeys(), challenge);
    issued(await client.send(message));
    const poll: Message = { ...message, messageType: 'CertPoll' };
    assert.equal(failure(await client.send(poll)), 'badAlg message.recipient_key');
  });

  for (const messageType of ['GetCert', 'GetCRL'] as const) {
    it(`cannot be answered a ${messageType}`, async () => {
      const message = request(newEcKeys(), challenge);
      const csr = encodeIssuerAndSerialNumber(message.signer.certificate);
      assert.equal(failure(await client.send({ ...message, csr, messageType })), 'badAlg message.recipient_key');
    });
  }
});

describe('renewal by an EC certificate', () => {
  async function enrolled(keys: DeviceKeys): Promise<Certificate> {
    return issued(await client.send(request(keys, challenge)));
  }

  it('without a challenge is refused: there is nothing to encrypt the answer with', async () => {
    const keys = newEcKeys();
    const signer = { certificate: await enrolled(keys), privateKey: keys.privateKey };
    const renewal = request(newEcKeys(), undefined, { signer, messageType: 'RenewalReq' });
    assert.equal(failure(await client.send(renewal)), 'badAlg message.recipient_key');
  });

  it('with any challenge of 16 characters is answered under it; the signature is what counts', async () => {
    const keys = newEcKeys();
    const certificate = await enrolled(keys);
    const signer = { certificate, privateKey: keys.privateKey };
    const renewal = request(newEcKeys(), 'chosen by the device itself', { signer, messageType: 'RenewalReq' });
    assert.notEqual(issued(await client.send(renewal)).serialHex, certificate.serialHex);
  });
});
