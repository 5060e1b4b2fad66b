/**
 * Other people's clients at an endpoint where a person approves: strongSwan waits and polls, certmonger comes back with
 * the message it had sent.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCertmonger } from './clients/certmonger.ts';
import type { Certmonger } from './clients/certmonger.ts';
import { fetchStrongswanAuthority, generateKey, strongswan } from './clients/strongswan.ts';
import type { StrongswanAuthority } from './clients/strongswan.ts';
import { assertGoodCertificate } from './judge.ts';
import { startInteropServer } from './server-fixture.ts';
import type { InteropServer } from './server-fixture.ts';

interface WaitingRequest {
  readonly id: number;
  readonly subject: string;
}

let server: InteropServer;

before(async () => {
  server = await startInteropServer();
});
after(() => server?.close());

/** The request with this subject, as soon as it waits. */
async function waitingRequest(subject: string): Promise<WaitingRequest> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { requests } = await server.administer('GET', '/api/requests?state=pending');
    const found = (requests as WaitingRequest[]).find((request) => request.subject === subject);
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`No request with the subject ${subject} came in.`);
}

describe('strongSwan pki at an endpoint where a person approves', () => {
  let folder: string;
  let authority: StrongswanAuthority;
  const key = (): string => join(folder, 'key.pem');

  before(async () => {
    folder = await server.clientFolder('strongswan');
    authority = await fetchStrongswanAuthority(server.urls.manual, folder);
    await generateKey(key());
  });

  const enroll = (subject: string) =>
    strongswan({
      url: server.urls.manual,
      authority,
      keyFile: key(),
      subject,
      certificateFile: join(folder, `${subject.slice(3)}.pem`),
      cipher: 'aes',
      digest: 'sha256',
      pollSeconds: 1,
      proof: {},
    });

  it('polls until the request is approved', async () => {
    const enrolling = enroll('CN=approved');
    const { id } = await waitingRequest('CN=approved');
    // It has to be answered PENDING again before it is let go.
    await sleep(1_500);
    await server.administer('POST', `/api/requests/${id}/approve`);
    const { exitCode, output } = await enrolling;
    assert.equal(exitCode, 0, output);
    assert.match(output, /pending/i);
    const enrolled = await assertGoodCertificate(join(folder, 'approved.pem'), key(), server);
    assert.equal(enrolled.subject, 'CN=approved');
    assert.deepEqual(await server.authorizationOf(enrolled.serialNumber), { kind: 'manual', pendingRequest: id });
  });

  it('ends when the request is denied', async () => {
    const issuedSoFar = await server.issuedCertificates();
    const enrolling = enroll('CN=denied');
    const { id } = await waitingRequest('CN=denied');
    await server.administer('POST', `/api/requests/${id}/deny`, { reason: 'not ours' });
    const { exitCode, output } = await enrolling;
    assert.notEqual(exitCode, 0);
    assert.match(output, /failed|failure|fail/i);
    assert.equal(await server.issuedCertificates(), issuedSoFar);
  });
});

describe('certmonger at an endpoint where a person approves', () => {
  let folder: string;
  let certmonger: Certmonger;

  before(async () => {
    folder = await server.clientFolder('cm');
    certmonger = await startCertmonger(folder);
  });
  after(() => certmonger?.close());

  it('waits, asks again and gets the certificate', async () => {
    const [certificate, key] = [join(folder, 'manual.pem'), join(folder, 'manual-key.pem')];
    const getcert = async (...args: string[]): Promise<string> => {
      const { exitCode, output } = await certmonger.getcert(...args);
      assert.equal(exitCode, 0, `getcert ${args[0]}: ${output}\n${certmonger.log()}`);
      return output;
    };
    await getcert('add-scep-ca', '-c', 'manual', '-u', server.urls.manual);
    await getcert(
      'request',
      '-c',
      'manual',
      '-I',
      'manual',
      '-k',
      key,
      '-f',
      certificate,
      '-N',
      'CN=certmonger',
      '-L',
      'x',
    );
    const { id } = await waitingRequest('CN=certmonger');
    await server.administer('POST', `/api/requests/${id}/approve`);
    let status = '';
    for (let attempt = 0; attempt < 100 && !/status: MONITORING/.test(status); attempt += 1) {
      // An administrator's way of not waiting for certmonger's own interval.
      if (attempt % 10 === 0) await certmonger.getcert('refresh', '-i', 'manual');
      await sleep(200);
      status = (await certmonger.getcert('list', '-i', 'manual')).output;
    }
    assert.match(status, /status: MONITORING/, `${status}\n${certmonger.log()}`);
    const enrolled = await assertGoodCertificate(certificate, key, server);
    assert.equal(enrolled.subject, 'CN=certmonger');
    assert.deepEqual(await server.authorizationOf(enrolled.serialNumber), { kind: 'manual', pendingRequest: id });
  });
});
