/** Every example does what it says, against the emulator. */
import { createSelfSignedCertificate, encodePem, parseName } from '@scepter/x509';
import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { connectWithCertificateFile, rotateCertificate } from '../examples/certificate-rotation.ts';
import { connectWithOwnTls } from '../examples/custom-tls.ts';
import { connectWithLog, measureCalls } from '../examples/diagnostics.ts';
import { createEnrollmentServer, type CertificationAuthority } from '../examples/enrollment-server.ts';
import { connectAsApplication, connectWithManagedIdentity } from '../examples/managed-identity.ts';
import { connectAsEnvironmentSays, connectAsFileSays } from '../examples/properties-file.ts';
import { connectThroughProxy, explainProxyFailure } from '../examples/proxy.ts';
import { revokeAsIntuneAsks, type RevokingAuthority } from '../examples/revocation-loop.ts';
import type { IntuneClient, IntuneClientOptions, RevocationRound } from '../src/index.ts';
import { Desk, issued, proxyCredentials } from './contract/desk.ts';
import { startTlsGateway } from './contract/tls-gateway.ts';
import { createClientIdentity, createServerIdentity } from './tls-certificate.ts';

describe('examples', () => {
  let desk: Desk;
  let folder: string;
  const clients: IntuneClient[] = [];
  before(async () => {
    desk = await Desk.start();
    folder = await mkdtemp(join(tmpdir(), 'intune-examples-'));
    await desk.control.setRevocationCoolDown({ minutes: 0 });
  });
  after(async () => {
    await desk.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await desk.tidy();
  });

  const closing = (client: IntuneClient): IntuneClient => {
    clients.push(client);
    return client;
  };
  const file = async (name: string, contents: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, contents);
    return path;
  };
  const tenant = (): Omit<IntuneClientOptions, 'credential'> => {
    const { credential: _credential, ...rest } = desk.options();
    return rest;
  };
  /** A call gets through. */
  const assertWorks = async (client: IntuneClient): Promise<void> => {
    await closing(client).validateRequest(await desk.request());
    assert.equal(desk.traffic.count('validateRequest'), 1);
  };

  it('are all of these', () => {
    assert.deepEqual(readdirSync(join(import.meta.dirname, '../examples')).toSorted(), [
      'certificate-rotation.ts',
      'custom-tls.ts',
      'diagnostics.ts',
      'enrollment-server.ts',
      'managed-identity.ts',
      'properties-file.ts',
      'proxy.ts',
      'revocation-loop.ts',
    ]);
  });

  describe('enrollment-server.ts', () => {
    const certificate = newCertificate();
    const withheld: string[] = [];
    const log: string[] = [];
    const ca: CertificationAuthority = {
      issue: async () => certificate,
      withhold: async (one) => void withheld.push(one.serialNumber),
      log: (message) => log.push(message),
    };
    const enroll = async (
      body: unknown,
      authority = ca,
    ): Promise<{ status: number; reply: Record<string, unknown> }> => {
      const server = createEnrollmentServer(closing(desk.connect()), authority).listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
        const answer = await fetch(url, {
          method: 'POST',
          body: typeof body === 'string' ? body : JSON.stringify(body),
        });
        return { status: answer.status, reply: (await answer.json()) as Record<string, unknown> };
      } finally {
        server.closeAllConnections();
        server.close();
      }
    };
    const notified = async (transactionId: string) =>
      (await desk.control.notifications()).find((each) => each.transactionId === transactionId);

    it('hands out a certificate that Intune has approved and knows', async () => {
      const request = await desk.newRequest('EXAMPLE-1');
      const { status, reply } = await enroll(request);
      assert.equal(status, 200);
      const handedOut = new X509Certificate(String(reply['certificate']));
      assert.equal(handedOut.serialNumber, new X509Certificate(certificate).serialNumber);
      const notification = await notified('EXAMPLE-1');
      assert.equal(notification?.kind, 'success');
      assert.equal(
        notification?.kind === 'success' && notification.certificateThumbprint,
        handedOut.fingerprint.replaceAll(':', ''),
      );
    });

    it('issues nothing without Intune', async () => {
      const never: CertificationAuthority = { ...ca, issue: () => assert.fail('It was asked to issue') };
      const { certificateRequest } = await desk.newRequest();
      await desk.setFault('validateRequest', { kind: 'code', code: 'ChallengeExpired' });
      const refused = await enroll({ transactionId: 'EXAMPLE-2', certificateRequest }, never);
      assert.equal(refused.status, 403);
      assert.equal(refused.reply['error'], 'ChallengeExpired');
      await desk.setFault('validateRequest', { kind: 'html' });
      assert.equal((await enroll({ transactionId: 'EXAMPLE-2', certificateRequest }, never)).status, 503);
      assert.equal((await enroll({ transactionId: 'EXAMPLE-2', certificateRequest: 'PKCS' }, never)).status, 400);
      assert.equal((await enroll('no JSON', never)).status, 400);
      assert.equal((await enroll('x'.repeat(100_000), never)).status, 400);
      assert.equal(await notified('EXAMPLE-2'), undefined);
    });

    it('withholds a certificate that Intune was not told of', async () => {
      const request = await desk.newRequest('EXAMPLE-3');
      await desk.setFault('successNotification', { kind: 'http', status: 404 });
      const { status, reply } = await enroll(request);
      assert.equal(status, 503);
      assert.equal(reply['certificate'], undefined);
      assert.deepEqual(withheld, [new X509Certificate(certificate).serialNumber]);
    });

    it("tells Intune of the CA's own failures", async () => {
      const request = await desk.newRequest('EXAMPLE-4');
      const { status } = await enroll(request, { ...ca, issue: async () => Promise.reject(new Error('HSM away')) });
      assert.equal(status, 500);
      const notification = await notified('EXAMPLE-4');
      assert.equal(notification?.kind, 'failure');
      assert.equal(notification?.kind === 'failure' && notification.hResult, 0x80004005 | 0);
    });
  });

  it('properties-file.ts: connects as file and environment say', async () => {
    const { tenantId, clientId, clientSecret, authorityUrl, graphUrl, tlsCaFile } = desk.connection;
    const properties = {
      AAD_APP_ID: clientId,
      AAD_APP_KEY: clientSecret,
      TENANT: tenantId,
      PROVIDER_NAME_AND_VERSION: 'Contoso CA 3.1',
      AUTH_AUTHORITY: authorityUrl,
      MS_GRAPH_RESOURCE_URL: graphUrl,
      TLS_CA_FILE: tlsCaFile,
    };
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\r\n`);
    const path = await file('intune.properties', `# As for Microsoft's client\r\n${lines.join('')}`);
    // The emulator is on this machine, which no property can allow.
    await assertWorks(connectAsFileSays(path, { allowLoopback: true }));
    desk.traffic.clear();
    await assertWorks(connectAsEnvironmentSays({ ...process.env, ...properties }, { allowLoopback: true }));
  });

  it('managed-identity.ts: signs in without a secret', async () => {
    process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'] = desk.connection.managedIdentityUrl;
    try {
      await assertWorks(connectWithManagedIdentity(tenant()));
      assert.equal(desk.traffic.count('token'), 0);
      desk.traffic.clear();
      const { clientId, managedIdentity } = desk.connection;
      await assertWorks(connectAsApplication(tenant(), clientId, managedIdentity.clientId));
      assert.equal(desk.traffic.count('token'), 2);
    } finally {
      delete process.env['AZURE_POD_IDENTITY_AUTHORITY_HOST'];
    }
  });

  it('proxy.ts: takes the proxy for everything, and tells when the proxy is to blame', async () => {
    const { host, port } = desk.proxy.options();
    await assertWorks(connectThroughProxy(desk.options(), { host, port, ...proxyCredentials }));
    assert.equal(desk.proxy.targets.length, desk.traffic.connections);
    const wrong = closing(connectThroughProxy(desk.options(), { host, port, username: 'x', password: 'y' }));
    const error = await desk.failure(wrong.validateRequest(await desk.request()));
    assert.equal(explainProxyFailure(error), 'The proxy wants another user or password.');
    assert.equal(explainProxyFailure(new Error('other')), undefined);
  });

  it('custom-tls.ts: trusts its own CA and shows its certificate on every connection', async () => {
    const identity = createServerIdentity();
    const client = createClientIdentity('scep.contoso.com', { keyType: 'ec' });
    const target = { url: desk.origin, ca: desk.emulator.tlsCaPem };
    const gateway = await startTlsGateway(target, identity, client);
    try {
      const options = { ...desk.options(), authority: gateway.origin, graphUrl: gateway.origin };
      const files = {
        ca: await file('ca.pem', identity.ca),
        certificate: await file('client.pem', client.cert),
        privateKey: await file('client.key', client.key),
      };
      await assertWorks(await connectWithOwnTls(options, files));
      assert.ok(gateway.clients.length > 0);
      assert.deepEqual(new Set(gateway.clients), new Set(['scep.contoso.com']));
      const stranger = closing(desk.connect({ ...options, tls: { ca: identity.ca } }));
      await desk.failure(stranger.validateRequest(await desk.request()));
    } finally {
      gateway.stop();
    }
  });

  it('revocation-loop.ts: revokes what it finds, reports what it does not, and ends when told', async () => {
    const wanted = { issuerName: 'CN=Contoso Issuing CA,O=Contoso', caConfiguration: '' };
    await desk.control.requestRevocation({ serialNumber: '4f00a1', ...wanted });
    await desk.control.requestRevocation({ serialNumber: 'BAD5E71A', ...wanted });
    const ended = new AbortController();
    const revoked: unknown[] = [];
    const rounds: RevocationRound[] = [];
    const ca: RevokingAuthority = {
      find: async (serialNumbers) =>
        [{ serialNumber: issued.certificateSerialNumber }].filter((each) => serialNumbers.includes(each.serialNumber)),
      revoke: async ({ serialNumber }) => void revoked.push(serialNumber),
      save: async (round) => {
        rounds.push(round);
        setTimeout(() => ended.abort(), 20);
      },
      log: (_message, error) => assert.fail(String(error)),
    };
    await revokeAsIntuneAsks(closing(desk.connect()), ca, ended.signal);
    assert.deepEqual(revoked, ['4F00A1']);
    const states = (await desk.control.revocations()).map((each) => [each.serialNumber, each.state, each.errorCode]);
    assert.deepEqual(states, [
      ['4f00a1', 'revoked', undefined],
      ['BAD5E71A', 'failed', 'CertificateNotFoundError'],
    ]);
    assert.equal(rounds.length, 1);
    assert.deepEqual(rounds[0]?.pendingResults, []);
  });

  it('diagnostics.ts: writes what happens, and measures it', async () => {
    const lines: string[] = [];
    const measured: string[] = [];
    const stop = measureCalls((operation, outcome) => measured.push(`${operation} ${outcome}`));
    const client = closing(connectWithLog(desk.options(), (line) => lines.push(line)));
    await desk.setFault('discovery', { kind: 'html' }, 1);
    await client.validateRequest(await desk.request());
    await desk.setFault('validateRequest', { kind: 'code', code: 'ChallengeExpired' });
    await desk.failure(client.validateRequest(await desk.request()));
    stop();
    await client.notifySuccess({ ...(await desk.request()), ...issued });
    assert.match(lines[0] ?? '', /^discovery is repeated in \d+ ms after intune\.http$/);
    assert.match(lines[1] ?? '', /^validateRequest TRANSACTION-1: success in \d+ ms, activity [0-9a-f-]{36}$/);
    assert.match(lines[2] ?? '', /^validateRequest TRANSACTION-1: ChallengeExpired in /);
    assert.deepEqual(measured, ['validateRequest success', 'validateRequest intune.rejected']);
    desk.assertShowsNoSecret(lines);
  });

  it('certificate-rotation.ts: signs in with files, and takes new ones while running', async () => {
    const [first, second] = [createClientIdentity('first'), createClientIdentity('second')];
    const { clientId } = desk.connection;
    const registered = await desk.control.addApplicationCertificate(first.cert);
    await desk.control.addApplicationCertificate(second.cert);
    // Far ahead of Entra's: every call needs a new token, and so signs in.
    const now = (): Date => new Date(Date.now() + 7_200_000);
    const path = await file('first.pem', first.cert + first.key);
    const client = connectWithCertificateFile({ ...tenant(), now }, clientId, path);
    await assertWorks(client);
    await desk.control.removeApplicationCertificate(registered.thumbprint);
    await desk.failure(client.validateRequest(await desk.request()));
    const files = { certificate: await file('new.pem', second.cert), privateKey: await file('new.key', second.key) };
    await rotateCertificate(client, clientId, files);
    await client.validateRequest(await desk.request());
    await assert.rejects(rotateCertificate(client, clientId, { ...files, privateKey: path }), {
      code: 'intune.argument',
    });
    await client.validateRequest(await desk.request());
  });
});

function newCertificate(): string {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return encodePem(
    'CERTIFICATE',
    createSelfSignedCertificate({
      subject: parseName('CN=adele.vance,O=Contoso'),
      ...keys,
      serialNumber: Uint8Array.of(0x4f, 0x00, 0xa1),
      notBefore: new Date('2026-11-22T00:00:00Z'),
      notAfter: new Date('2027-11-22T00:00:00Z'),
    }),
  );
}
