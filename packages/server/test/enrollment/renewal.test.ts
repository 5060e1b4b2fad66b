import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readHierarchy } from '@scepter/ca';
import type { Certificate, GeneralName } from '@scepter/x509';
import {
  createSelfSignedCertificate,
  decodeCertificate,
  decodeGeneralNames,
  findExtension,
  formatName,
  oid,
  parseName,
} from '@scepter/x509';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message, RequestOptions } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const nextKeys = newKeys();
const subjectAltNames: GeneralName[] = [{ kind: 'dns', value: 'one.example' }];
let laboratory: Laboratory;
let client: Client;
let count = 0;

before(async () => {
  laboratory = await openLaboratory();
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
});
after(() => laboratory.close());

async function enrolled(options: RequestOptions = {}): Promise<Certificate> {
  const csr = certificationRequest(keys, { subjectAltNames, challenge: STATIC_CHALLENGE, ...options });
  return issued(
    await client.send({
      csr,
      transactionId: `first-${(count += 1)}`,
      signer: { certificate: selfSigned(keys), privateKey: keys.privateKey },
    }),
  );
}

function renewal(
  certificate: Certificate,
  options: RequestOptions = {},
  messageType: Message['messageType'] = 'RenewalReq',
): Message {
  return {
    csr: certificationRequest(nextKeys, { subjectAltNames, ...options }),
    transactionId: `renewal-${(count += 1)}`,
    signer: { certificate, privateKey: keys.privateKey },
    messageType,
  };
}

async function refusedWith(message: Message, at = client): Promise<string | undefined> {
  laboratory.steps.length = 0;
  const sent = await at.send(message);
  assert.equal(sent.reply?.status, 'failure');
  assert.equal(sent.reply.failInfo, 'badRequest');
  return laboratory.steps.find(({ outcome }) => outcome === 'refused')?.refusal;
}

describe('renewal by a certificate of ours', () => {
  it('as RenewalReq gets a new certificate with the new key', async () => {
    const old = await enrolled();
    const renewed = issued(await client.send(renewal(old)));
    assert.notEqual(renewed.serialHex, old.serialHex);
    assert.deepEqual(renewed.publicKey.encoded, decodeCertificate(selfSigned(nextKeys).encoded).publicKey.encoded);
  });

  it('as PKCSReq without a challenge, as macOS, Cisco and strongSwan send it', async () => {
    const old = await enrolled();
    assert.notEqual(issued(await client.send(renewal(old, {}, 'PKCSReq'))).serialHex, old.serialHex);
  });

  it('with the request of the first enrollment, as scepclient sends it, gets a new certificate, and that one again', async () => {
    const csr = certificationRequest(keys, { subjectAltNames, challenge: STATIC_CHALLENGE });
    const own = { certificate: selfSigned(keys), privateKey: keys.privateKey };
    const transactionId = 'the-same-all-along';
    const old = issued(await client.send({ csr, transactionId, signer: own }));
    const again: Message = {
      csr,
      transactionId,
      signer: { certificate: old, privateKey: keys.privateKey },
      messageType: 'RenewalReq',
    };
    const renewed = issued(await client.send(again));
    assert.notEqual(renewed.serialHex, old.serialHex);
    assert.equal(issued(await client.send(again)).serialHex, renewed.serialHex);
  });

  it('keeps its alternative names when it says nothing of them', async () => {
    const old = await enrolled();
    const csr = certificationRequest(nextKeys);
    const { extensions } = issued(await client.send({ ...renewal(old), csr }));
    const names = findExtension(extensions, oid.subjectAltName);
    assert.deepEqual(decodeGeneralNames(names?.value ?? new Uint8Array()), subjectAltNames);
  });

  it('may not add names', async () => {
    const old = await enrolled();
    const more: GeneralName[] = [...subjectAltNames, { kind: 'dns', value: 'two.example' }];
    assert.equal(await refusedWith(renewal(old, { subjectAltNames: more })), 'renewal.other_names');
  });

  it('not for another subject', async () => {
    assert.equal(await refusedWith(renewal(await enrolled(), { subject: 'CN=another' })), 'renewal.other_names');
  });

  for (const { name, subject } of [
    { name: 'compatible characters', subject: 'CN=\uFF44evice' },
    { name: 'capitals', subject: 'CN=Device' },
    { name: 'spaces', subject: String.raw`CN=\ device` },
  ]) {
    it(`S2: not for a subject that RFC 5280 takes for equal and others do not: ${name}`, async () => {
      assert.equal(await refusedWith(renewal(await enrolled(), { subject })), 'renewal.other_names');
    });
  }

  it('not when it is revoked', async () => {
    const old = await enrolled();
    await laboratory.server.store.revoke({ serialNumber: old.serialHex, revokedAt: new Date(), reason: 'superseded' });
    assert.equal(await refusedWith(renewal(old)), 'renewal.not_valid');
  });

  it('not at another endpoint than the one that issued it', async () => {
    const other = await Client.connect(`${laboratory.server.url}/scep/other`);
    assert.equal(await refusedWith(renewal(await enrolled()), other), 'renewal.unknown_certificate');
  });

  it('not at an endpoint without renewal', async () => {
    const intune = await Client.connect(`${laboratory.server.url}/scep/intune`);
    assert.equal(await refusedWith(renewal(await enrolled()), intune), 'authorization.challenge_missing');
  });

  it('not by a self-signed certificate with the same name and serial number', async () => {
    const old = await enrolled();
    const forged = decodeCertificate(
      createSelfSignedCertificate({
        subject: parseName('CN=device'),
        ...nextKeys,
        serialNumber: old.serialNumber,
        notBefore: old.notBefore,
        notAfter: old.notAfter,
      }),
    );
    const message = { ...renewal(old), signer: { certificate: forged, privateKey: nextKeys.privateKey } };
    assert.equal(await refusedWith(message), 'renewal.unknown_certificate');
  });

  it('not by the RA certificate, although our CA issued it and the signature is right', async () => {
    const authority = join(laboratory.folder, 'data', 'authority');
    const secret = readFileSync(join(laboratory.folder, 'data', 'master.secret'), 'utf8').trim();
    const { generations } = await readHierarchy(authority, { secret, now: new Date() });
    const { registration } = generations[0];
    const message: Message = {
      csr: certificationRequest(nextKeys, { subject: formatName(client.recipient.subject) }),
      transactionId: 'as-the-ra',
      signer: { certificate: client.recipient, privateKey: registration.privateKey },
      messageType: 'RenewalReq',
    };
    assert.equal(await refusedWith(message), 'renewal.unknown_certificate');
  });

  it('not by a certificate that is withheld', async () => {
    const [challenge = ''] = await laboratory.control.createChallenges({ subject: 'CN=withheld', count: 1 });
    await laboratory.control.setFault({ operation: 'successNotification', fault: { kind: 'http', status: 500 } });
    const intune = await Client.connect(`${laboratory.server.url}/scep/intune`);
    const csr = certificationRequest(keys, { subject: 'CN=withheld', challenge });
    const own = { certificate: selfSigned(keys), privateKey: keys.privateKey };
    assert.equal((await intune.send({ csr, transactionId: 'withheld', signer: own })).reply?.status, 'failure');
    const [withheld] = await laboratory.server.store.listEnrollments(1);
    assert.equal(withheld?.state, 'withheld');
    // It never left; whoever holds it took it from the store.
    const stolen = decodeCertificate(withheld.certificate ?? new Uint8Array());
    const message = renewal(stolen, { subject: 'CN=withheld', subjectAltNames: [] });
    assert.match((await refusedWith(message, intune)) ?? '', /challenge_missing/);
    assert.equal(await refusedWith(message), 'renewal.unknown_certificate');
  });

  it('not when it has expired', async () => {
    const old = await enrolled();
    laboratory.advanceMs(366 * 86_400_000);
    try {
      assert.equal(await refusedWith(renewal(old)), 'renewal.not_valid');
    } finally {
      laboratory.advanceMs(-366 * 86_400_000);
    }
  });

  it('a name that only looks alike is another name', async () => {
    const old = await enrolled({ subject: 'CN=device+OU=a' });
    const csr = certificationRequest(nextKeys, { subject: 'CN=device,OU=a', subjectAltNames });
    assert.equal(await refusedWith({ ...renewal(old), csr }), 'renewal.other_names');
  });
});
