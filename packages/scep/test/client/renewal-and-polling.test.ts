/** Renewing, polling after a restart, and devices with EC keys. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeCertificationRequest } from '@scepter/x509';
import { canEnvelopeUnder, decodeIssuerAndSubject } from '@scepter/scep';
import type { CertRepOutcome } from '@scepter/scep';
import { certificationRequest, ecKeys, issuedBy, selfSigned, to } from '../fixtures.ts';
import {
  allCapabilities,
  ca,
  clientOf,
  csr,
  device,
  enrollment,
  issued,
  pending,
  released,
  scepServer,
} from './scep-server.ts';
import type { Transaction } from './scep-server.ts';

describe('ScepClient.renew, RFC 8894 section 2.5', () => {
  const renewal = { csr, privateKey: device.privateKey, signerCertificate: issued.certificate };
  const rows: [string, string, string][] = [
    ['offers Renewal', allCapabilities, 'RenewalReq'],
    ['does not offer Renewal', 'AES\nPOSTPKIOperation\nSHA-256', 'PKCSReq'],
    ['says nothing', '', 'PKCSReq'],
    ['says SCEPStandard, which does not include it', 'SCEPStandard', 'PKCSReq'],
  ];
  for (const [name, capabilities, messageType] of rows) {
    it(`a server that ${name} gets a ${messageType} that the old certificate signs`, async () => {
      const server = scepServer({ capabilities });
      assert.equal((await clientOf(server).renew(renewal)).status, 'success');
      const [transaction] = server.transactions;
      assert.equal(transaction?.message.messageType, messageType);
      assert.deepEqual(transaction?.message.signer.encoded, issued.certificate.encoded);
    });
  }

  it('polls as an enrollment does', async () => {
    const server = scepServer({ outcomes: [pending, released] });
    const result = await clientOf(server).renew({ ...renewal, pollAttempts: 1, pollIntervalMs: 1 });
    assert.equal(result.status, 'success');
    assert.deepEqual(
      server.transactions.map(({ message }) => message.messageType),
      ['RenewalReq', 'CertPoll'],
    );
  });
});

describe('ScepClient.poll, RFC 8894 section 4.4', () => {
  it('asks once, in the transaction of the request, by the names of CA and request', async () => {
    const server = scepServer({ outcomes: [pending, released] });
    const client = clientOf(server);
    const first = await client.enroll(enrollment);
    assert.equal(first.status, 'pending');
    // Another client, as after a restart.
    const result = await clientOf(server).poll(enrollment);
    assert.equal(result.status, 'success');
    assert.equal(result.transactionId, first.transactionId);
    assert.equal(server.transactions[1]?.message.messageType, 'CertPoll');
    const { issuer, subject } = decodeIssuerAndSubject(server.transactions[1]?.content ?? new Uint8Array());
    assert.deepEqual(issuer.encoded, ca.certificate.subject.encoded);
    assert.deepEqual(subject.encoded, decodeCertificationRequest(csr).subject.encoded);
  });

  it('keeps a transactionID of the caller', async () => {
    const server = scepServer({ outcomes: [pending] });
    const result = await clientOf(server).poll({ ...enrollment, transactionId: 'my-own' });
    assert.deepEqual(result, { status: 'pending', transactionId: 'my-own' });
    assert.equal(server.transactions[0]?.message.transactionId, 'my-own');
    assert.equal(server.transactions.length, 1);
  });

  it('a refusal is a result', async () => {
    const server = scepServer({ outcomes: [() => ({ status: 'failure', failInfo: 'badCertId' })] });
    assert.equal((await clientOf(server).poll(enrollment)).status, 'failure');
  });

  it('refuses a certificate for another key', async () => {
    const stranger = issuedBy(ca, 'stranger', { keys: ecKeys() });
    const outcome = (transaction: Transaction): CertRepOutcome => ({
      ...(released(transaction) as Extract<CertRepOutcome, { status: 'success' }>),
      certificates: [stranger.certificate.encoded],
    });
    await assert.rejects(clientOf(scepServer({ outcomes: [outcome] })).poll(enrollment), {
      name: 'ScepError',
      code: 'scep.reply_certificate',
    });
  });

  it('waits between polls as long as it is told', async () => {
    const waits: number[] = [];
    const sleep = async (durationMs: number): Promise<void> => {
      waits.push(durationMs);
    };
    const server = scepServer({ outcomes: [pending] });
    const client = clientOf(server, { sleep });
    await client.enroll({ ...enrollment, pollAttempts: 2 });
    await client.enroll({ ...enrollment, pollAttempts: 1, pollIntervalMs: 1234 });
    assert.deepEqual(waits, [60_000, 60_000, 1234]);
  });
});

describe('ScepClient for a device with an EC key', () => {
  const challenge = 'a challenge of some length';
  for (const curve of ['P-256', 'P-384', 'P-521'] as const) {
    const elliptic = selfSigned('device', { keys: ecKeys(curve) });
    const certificate = issuedBy(ca, 'device', { keys: elliptic }).certificate;
    const identity = { privateKey: elliptic.privateKey, signerCertificate: elliptic.certificate };
    const underChallenge = ({ content }: Transaction): CertRepOutcome => ({
      status: 'success',
      certificates: [certificate.encoded],
      recipient: { kind: 'password', password: passwordOf(content) ?? challenge, iterations: 1000 },
      contentCipher: 'aes-128-cbc',
    });

    it(`${curve}: signs with it, and reads the answer under the challenge of its request`, async () => {
      const server = scepServer({ outcomes: [underChallenge] });
      const request = certificationRequest(elliptic, challenge);
      const result = await clientOf(server).enroll({ ...identity, csr: request });
      assert.deepEqual(result.status === 'success' && result.certificates[0]?.encoded, certificate.encoded);
      assert.equal(server.transactions[0]?.message.signer.publicKey.key.kind, 'ec');
    });

    it(`${curve}: polls under the same challenge`, async () => {
      const server = scepServer({ outcomes: [pending, underChallenge] });
      const request = certificationRequest(elliptic, challenge);
      const result = await clientOf(server).enroll({ ...identity, csr: request, pollAttempts: 1, pollIntervalMs: 1 });
      assert.equal(result.status, 'success');
    });
  }

  const elliptic = selfSigned('device', { keys: ecKeys() });
  const identity = { privateKey: elliptic.privateKey, signerCertificate: elliptic.certificate };

  it('sends nothing with a challenge too short to keep an answer secret', async () => {
    const server = scepServer();
    const attempt = clientOf(server).enroll({ ...identity, csr: certificationRequest(elliptic, 'short') });
    await assert.rejects(attempt, { name: 'ScepError', code: 'scep.bad_argument' });
    assert.equal(server.transactions.length, 0);
  });

  for (const [name, outcome] of [
    ['under another password', { kind: 'password', password: 'another secret altogether', iterations: 1 }],
    ['for somebody with an RSA key', to(device)],
  ] as const) {
    it(`does not read an answer ${name}`, async () => {
      const server = scepServer({
        outcomes: [
          () => ({
            status: 'success',
            certificates: [issued.certificate.encoded],
            recipient: outcome,
            contentCipher: 'aes-128-cbc',
          }),
        ],
      });
      const attempt = clientOf(server).enroll({ ...identity, csr: certificationRequest(elliptic, challenge) });
      await assert.rejects(attempt, { name: 'ScepError', code: 'scep.reply_envelope' });
    });
  }
});

const passwordOf = (content: Uint8Array): string | undefined => {
  try {
    const { challengePassword } = decodeCertificationRequest(content);
    return canEnvelopeUnder(challengePassword) ? challengePassword : undefined;
  } catch {
    return undefined;
  }
};
