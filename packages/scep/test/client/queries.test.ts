/** GetCert, GetCRL and GetNextCACert: what a client asks besides enrolling. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  assembleCertificateList,
  basicConstraintsExtension,
  der,
  encodeTbsCertificateList,
  keyIdentifier,
  signData,
  signatureAlgorithmFor,
} from '@scepter/x509';
import type { RevokedCertificate } from '@scepter/x509';
import { createNextCaCertificates, decodeIssuerAndSerialNumber, encodeCertsOnly } from '@scepter/scep';
import type { CertRepOutcome } from '@scepter/scep';
import { ecKeys, issuedBy, notAfter, notBefore, selfSigned, to } from '../fixtures.ts';
import type { Identity } from '../fixtures.ts';
import { ca, clientOf, device, issued, ra, scepServer } from './scep-server.ts';
import type { ServerOptions, Transaction } from './scep-server.ts';

const identity = { privateKey: device.privateKey, signerCertificate: device.certificate };
const elliptic = selfSigned('device', { keys: ecKeys() });
const other = issuedBy(ca, 'device', { keys: device, serialNumber: Uint8Array.of(0x43) });
const failed = (): CertRepOutcome => ({ status: 'failure', failInfo: 'badCertId' });

const queryOf = (transaction: Transaction | undefined) =>
  decodeIssuerAndSerialNumber(transaction?.content ?? new Uint8Array());

/** Answers a query of `device`. */
const answering = (answer: { certificates?: Identity[]; crls?: Uint8Array[] }, options: ServerOptions = {}) =>
  scepServer({
    ...options,
    outcomes: [
      () => ({
        status: 'success',
        certificates: (answer.certificates ?? []).map(({ certificate }) => certificate.encoded),
        crls: answer.crls ?? [],
        recipient: to(device),
        contentCipher: 'aes-128-cbc',
      }),
    ],
  });

const superseded = { serialNumber: Uint8Array.of(0x43), revokedAt: notBefore, reason: 'superseded' as const };

const crlBy = (issuer: Identity, signer = issuer, revoked: RevokedCertificate[] = [superseded]): Uint8Array => {
  const signatureAlgorithm = signatureAlgorithmFor(signer.privateKey, 'sha256');
  const tbs = encodeTbsCertificateList({
    signatureAlgorithm,
    issuer: issuer.certificate.subject,
    thisUpdate: notBefore,
    nextUpdate: notAfter,
    crlNumber: 7n,
    authorityKeyIdentifier: keyIdentifier(issuer.certificate.publicKey),
    revoked,
  });
  return assembleCertificateList(tbs, signatureAlgorithm, signData(signer.privateKey, 'sha256', tbs));
};

describe('ScepClient.getCertificate, RFC 8894 section 4.5', () => {
  it('asks by issuer and serial number, and puts that certificate first', async () => {
    const server = answering({ certificates: [ca, other, issued] });
    const result = await clientOf(server).getCertificate({ ...identity, certificate: issued.certificate });
    assert.deepEqual(
      result.status === 'success' && result.certificates.map(({ serialHex }) => serialHex),
      [issued, ca, other].map(({ certificate }) => certificate.serialHex),
    );
    const [transaction] = server.transactions;
    assert.equal(transaction?.message.messageType, 'GetCert');
    assert.equal(transaction?.message.transactionId, result.transactionId);
    const query = queryOf(transaction);
    assert.equal(query.serialHex, issued.certificate.serialHex);
    assert.deepEqual(query.issuer.encoded, ca.certificate.subject.encoded);
  });

  it('two queries are two transactions, of 32 hexadecimal digits', async () => {
    const server = answering({ certificates: [issued] });
    const client = clientOf(server);
    const options = { ...identity, certificate: issued.certificate };
    const ids = [await client.getCertificate(options), await client.getCertificate(options)];
    assert.notEqual(ids[0]?.transactionId, ids[1]?.transactionId);
    for (const { transactionId } of ids) assert.match(transactionId, /^[0-9A-F]{32}$/);
  });

  it('an unknown certificate is a result', async () => {
    const client = clientOf(scepServer({ outcomes: [failed] }));
    const { transactionId, ...result } = await client.getCertificate({ ...identity, certificate: issued.certificate });
    assert.deepEqual(result, { status: 'failure', failInfo: 'badCertId' });
    assert.ok(transactionId);
  });

  for (const [name, certificates] of [
    ['another one', [other]],
    [
      'the same number of another CA',
      [
        issuedBy(selfSigned('another ca', { keys: ecKeys() }), 'device', {
          keys: device,
          serialNumber: issued.certificate.serialNumber,
        }),
      ],
    ],
    ['none', []],
  ] as [string, Identity[]][]) {
    it(`refuses an answer with ${name}`, async () => {
      const attempt = clientOf(answering({ certificates })).getCertificate({
        ...identity,
        certificate: issued.certificate,
      });
      await assert.rejects(attempt, { name: 'ScepError', code: 'scep.reply_certificate' });
    });
  }
});

describe('ScepClient.getCrl, RFC 8894 section 4.6', () => {
  it('asks for the list of the certificate, and gives it decoded', async () => {
    const server = answering({ crls: [crlBy(ca)] });
    const result = await clientOf(server).getCrl({ ...identity, certificate: other.certificate });
    assert.equal(result.status === 'success' && result.crl.crlNumber, 7n);
    assert.equal(result.status === 'success' && result.crl.revoked.length, 1);
    assert.equal(server.transactions[0]?.message.messageType, 'GetCRL');
    const query = queryOf(server.transactions[0]);
    assert.equal(query.serialHex, other.certificate.serialHex);
  });

  it('reads a list of 30,000 revoked certificates', async () => {
    const revoked = Array.from({ length: 30_000 }, (_, index) => ({
      ...superseded,
      serialNumber: Uint8Array.of(0x40, index >> 16, index >> 8, index),
    }));
    const crl = crlBy(ca, ca, revoked);
    assert.ok(crl.length > 1024 * 1024);
    const result = await clientOf(answering({ crls: [crl] })).getCrl({ ...identity, certificate: issued.certificate });
    assert.equal(result.status === 'success' && result.crl.revoked.length, 30_000);
  });

  it('a refusal is a result', async () => {
    const client = clientOf(scepServer({ outcomes: [failed] }));
    const result = await client.getCrl({ ...identity, certificate: issued.certificate });
    assert.equal(result.status === 'failure' && result.failInfo, 'badCertId');
  });

  const impostor = selfSigned('ca', { keys: ecKeys(), extensions: [basicConstraintsExtension({ ca: true })] });
  const refused: Record<string, Uint8Array[]> = {
    'no list': [],
    'a list by somebody of the same name': [crlBy(impostor)],
    'a list by the RA in the name of the CA': [crlBy(ca, ra)],
    'a list of another CA': [crlBy(selfSigned('another ca', { keys: ecKeys() }))],
    'something that is no list': [der.sequence(der.integer(1))],
  };
  for (const [name, crls] of Object.entries(refused)) {
    it(`refuses an answer with ${name}`, async () => {
      const attempt = clientOf(answering({ crls })).getCrl({ ...identity, certificate: issued.certificate });
      await assert.rejects(attempt, { name: 'ScepError', code: 'scep.reply_crl' });
    });
  }
});

describe('queries by a device whose key cannot decrypt', () => {
  for (const operation of ['getCertificate', 'getCrl'] as const) {
    it(`${operation}: nothing is sent, as there is no challenge that the answer could come under`, async () => {
      const server = scepServer();
      const attempt = clientOf(server)[operation]({
        privateKey: elliptic.privateKey,
        signerCertificate: elliptic.certificate,
        certificate: issued.certificate,
      });
      await assert.rejects(attempt, { name: 'ScepError', code: 'scep.bad_argument' });
      assert.equal(server.transactions.length, 0);
    });
  }
});

describe('ScepClient.getNextCaCertificates, RFC 8894 section 4.7', () => {
  const next = selfSigned('ca', {
    keys: ecKeys(),
    extensions: [basicConstraintsExtension({ ca: true })],
    serialNumber: Uint8Array.of(9),
  });
  const bodyBy = (signer: Identity): Uint8Array =>
    createNextCaCertificates({ certificates: [next.certificate.encoded], digest: 'sha256', signer });

  it('gives what the current CA signed', async () => {
    const server = scepServer({ nextCaCertificates: bodyBy(ca) });
    const result = await clientOf(server, { caIdentifier: 'main' }).getNextCaCertificates();
    assert.deepEqual(result.ca.encoded, next.certificate.encoded);
    assert.equal(server.received.at(-1)?.rawQuery, '?operation=GetNextCACert&message=main');
  });

  it('works with a single certificate from GetCACert', async () => {
    const server = scepServer({ certificates: ca.certificate.encoded, nextCaCertificates: bodyBy(ca) });
    assert.deepEqual((await clientOf(server).getNextCaCertificates()).ca.encoded, next.certificate.encoded);
  });

  for (const [name, signer] of [
    ['the next CA itself', next],
    ['the RA', ra],
  ] as const) {
    it(`does not believe ${name}`, async () => {
      const attempt = clientOf(scepServer({ nextCaCertificates: bodyBy(signer) })).getNextCaCertificates();
      await assert.rejects(attempt, { name: 'ScepError', code: 'scep.reply_signature' });
    });
  }

  it('does not take an answer to GetCACert for one', async () => {
    const nextCaCertificates = encodeCertsOnly([next.certificate.encoded]);
    await assert.rejects(clientOf(scepServer({ nextCaCertificates })).getNextCaCertificates(), {
      name: 'ScepError',
      code: 'scep.reply_signature',
    });
  });

  it('a server that has none says so by its status', async () => {
    await assert.rejects(clientOf(scepServer()).getNextCaCertificates(), {
      name: 'ScepError',
      code: 'scep.http_status',
    });
  });
});
