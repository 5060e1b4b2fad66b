/** RFC 8894 3.3.4, 4.5, 4.6: GetCert and GetCRL. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeIssuerAndSerialNumber } from '@scepter/scep';
import { decodeCertificate, decodeCertificateList, parseName, thumbprint, toHex, verifySignature } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { certificationRequest, Client, issued, newKeys, selfSigned } from '../device.ts';
import type { Message, Sent } from '../device.ts';
import { openLaboratory, STATIC_CHALLENGE } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';

const keys = newKeys();
const strangerKeys = newKeys();
const signer = { certificate: selfSigned(keys), privateKey: keys.privateKey };
const stranger = { certificate: selfSigned(strangerKeys, 'CN=stranger'), privateKey: strangerKeys.privateKey };
let laboratory: Laboratory;
let client: Client;
let issuing: Certificate;
let count = 0;

before(async () => {
  laboratory = await openLaboratory({
    endpoints: {
      chain: {
        authorizer: { kind: 'static-challenge', challenge: { environment: 'STATIC_CHALLENGE' } },
        replyCertificates: 'chain',
      },
    },
  });
  client = await Client.connect(`${laboratory.server.url}/scep/static`);
  issuing = decodeCertificate(laboratory.server.authority.issuingCertificate);
});
after(() => laboratory.close());

async function enrolled(at = client): Promise<Certificate> {
  const csr = certificationRequest(keys, { challenge: STATIC_CHALLENGE });
  return issued(await at.send({ csr, transactionId: `enrolled-${(count += 1)}`, signer }));
}

/** jscep numbers its queries from zero, sscep has one identifier for all: they are no transactions. */
function query(messageType: 'GetCert' | 'GetCRL', named: Pick<Certificate, 'issuer' | 'serialNumber'>): Message {
  return {
    messageType,
    csr: encodeIssuerAndSerialNumber(named),
    transactionId: 'SSCEP transactionId',
    signer: stranger,
  };
}

/** What is inside a short SEQUENCE. */
function contentOf(encoded: Uint8Array): Uint8Array {
  return encoded.subarray((encoded[1] ?? 0) < 0x80 ? 2 : 3);
}

function failure(sent: Sent): string {
  assert.equal(sent.status, 200);
  assert.ok(sent.reply?.status === 'failure');
  const refused = laboratory.steps.findLast(({ outcome }) => outcome === 'refused');
  return `${sent.reply.failInfo} ${refused?.refusal ?? ''}`;
}

describe('GetCert', () => {
  it('gives a certificate of ours to whoever knows issuer and serial number', async () => {
    const certificate = await enrolled();
    const { reply } = await client.send(query('GetCert', certificate));
    assert.ok(reply?.status === 'success');
    assert.deepEqual(
      reply.certificates.map(({ encoded }) => toHex(encoded)),
      [toHex(certificate.encoded)],
    );
    assert.deepEqual(reply.crls, []);
  });

  it('may be asked in BER', async () => {
    const certificate = await enrolled();
    const message = query('GetCert', certificate);
    const csr = Buffer.concat([Uint8Array.of(0x30, 0x80), contentOf(message.csr), Uint8Array.of(0, 0)]);
    assert.equal(issued(await client.send({ ...message, csr })).serialHex, certificate.serialHex);
  });

  it('finds an issuer whose name is written in BER', async () => {
    const certificate = await enrolled();
    const issuer = Buffer.concat([
      Uint8Array.of(0x30, 0x80),
      contentOf(certificate.issuer.encoded),
      Uint8Array.of(0, 0),
    ]);
    const message = query('GetCert', { ...certificate, issuer: { ...certificate.issuer, encoded: issuer } });
    assert.equal(issued(await client.send(message)).serialHex, certificate.serialHex);
  });

  it('answers each query for itself, though all have the same transaction identifier', async () => {
    const [one, other] = [await enrolled(), await enrolled()];
    for (const certificate of [one, other, one]) {
      assert.equal(issued(await client.send(query('GetCert', certificate))).serialHex, certificate.serialHex);
    }
    const sent = await Promise.all([one, other].map((each) => client.send(query('GetCert', each))));
    assert.deepEqual(
      sent.map((each) => issued(each).serialHex),
      [one.serialHex, other.serialHex],
    );
  });

  const rows: readonly [string, () => Promise<Message>][] = [
    [
      'an unknown serial number',
      async () => query('GetCert', { issuer: issuing.subject, serialNumber: Buffer.from('01', 'hex') }),
    ],
    [
      'another issuer',
      async () => query('GetCert', { issuer: parseName('CN=another'), serialNumber: (await enrolled()).serialNumber }),
    ],
    [
      'a certificate of another endpoint',
      async () => query('GetCert', await enrolled(await Client.connect(`${laboratory.server.url}/scep/other`))),
    ],
    [
      'a revoked certificate',
      async () => {
        const certificate = await enrolled();
        const { serialHex: serialNumber } = certificate;
        await laboratory.server.store.revoke({ serialNumber, revokedAt: new Date(), reason: 'keyCompromise' });
        return query('GetCert', certificate);
      },
    ],
    ['nothing that can be read', async () => ({ ...query('GetCert', issuing), csr: Buffer.from('hello') })],
    ['a certification request', async () => ({ ...query('GetCert', issuing), csr: certificationRequest(keys) })],
  ];
  for (const [name, message] of rows) {
    it(`${name}: badCertId`, async () => {
      assert.equal(failure(await client.send(await message())), 'badCertId query.unknown_certificate');
    });
  }

  it('does not give what is withheld', async () => {
    const [challenge = ''] = await laboratory.control.createChallenges({ subject: 'CN=withheld', count: 1 });
    await laboratory.control.setFault({ operation: 'successNotification', fault: { kind: 'http', status: 500 } });
    const intune = await Client.connect(`${laboratory.server.url}/scep/intune`);
    const csr = certificationRequest(keys, { subject: 'CN=withheld', challenge });
    assert.equal((await intune.send({ csr, transactionId: 'withheld', signer })).reply?.status, 'failure');
    await laboratory.control.clearFaults();
    const [withheld] = await laboratory.server.store.listEnrollments(1);
    assert.equal(withheld?.state, 'withheld');
    const certificate = decodeCertificate(withheld.certificate ?? new Uint8Array());
    assert.equal(failure(await intune.send(query('GetCert', certificate))), 'badCertId query.unknown_certificate');
  });
});

describe('GetCRL', () => {
  it('gives the newest CRL of the issuer that is named, and nothing else', async () => {
    const certificate = await enrolled();
    const { reply } = await client.send(query('GetCRL', certificate));
    assert.ok(reply?.status === 'success');
    assert.deepEqual(reply.certificates, []);
    assert.equal(reply.crls.length, 1);
    const [encoded = new Uint8Array()] = reply.crls;
    const latest = await laboratory.server.store.latestCrl(thumbprint(issuing.encoded, 'sha256'));
    assert.equal(toHex(encoded), toHex(latest?.encoded ?? new Uint8Array()));
    const crl = decodeCertificateList(encoded);
    assert.ok(verifySignature(crl.signatureAlgorithm, issuing.publicKey, crl.tbs, crl.signature));
  });

  it("is asked by sscep with the issuer and number of the CA's own certificate", async () => {
    const { reply } = await client.send(query('GetCRL', issuing));
    assert.ok(reply?.status === 'success');
    assert.equal(reply.crls.length, 1);
  });

  const rows: readonly [string, () => Message][] = [
    ['another issuer', () => query('GetCRL', { ...issuing, issuer: parseName('CN=another') })],
    [
      'the issuer of our CA alone',
      () => query('GetCRL', { issuer: issuing.issuer, serialNumber: Buffer.from('01', 'hex') }),
    ],
    ['nothing that can be read', () => ({ ...query('GetCRL', issuing), csr: Buffer.from('hello') })],
  ];
  for (const [name, message] of rows) {
    it(`${name}: badCertId`, async () => {
      assert.equal(failure(await client.send(message())), 'badCertId query.unknown_authority');
    });
  }
});

describe('what goes along with a certificate', () => {
  const certificatesAt = async (endpoint: string, messageType: 'PKCSReq' | 'GetCert'): Promise<string[]> => {
    const at = await Client.connect(`${laboratory.server.url}/scep/${endpoint}`);
    const csr = certificationRequest(keys, { challenge: STATIC_CHALLENGE });
    const message: Message = { csr, transactionId: `along-${(count += 1)}`, signer };
    const first = await at.send(message);
    const sent = messageType === 'PKCSReq' ? first : await at.send(query('GetCert', issued(first)));
    assert.ok(sent.reply?.status === 'success');
    return sent.reply.certificates.map(({ encoded }) => toHex(encoded)).slice(1);
  };
  for (const messageType of ['PKCSReq', 'GetCert'] as const) {
    it(`${messageType}: nothing, unless the endpoint says so`, async () => {
      assert.deepEqual(await certificatesAt('static', messageType), []);
    });
    it(`${messageType}: the issuing CA at an endpoint with replyCertificates "chain"`, async () => {
      assert.deepEqual(await certificatesAt('chain', messageType), [toHex(issuing.encoded)]);
    });
  }
});
