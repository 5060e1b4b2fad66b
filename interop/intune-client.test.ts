/** `@scepter/intune` through a forward proxy that others wrote, to the emulator, with the emulator's own CA. */
import { IntuneAuthenticationError, IntuneClient, IntuneNetworkError, IntuneRejectedError } from '@scepter/intune';
import type { IntuneClientOptions } from '@scepter/intune';
import { EmulatorControl, startEmulatorHost } from '@scepter/intune-emulator';
import type { Connection, EmulatorHost } from '@scepter/intune-emulator';
import { createCertificationRequest, parseName } from '@scepter/x509';
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startTinyproxy } from './tinyproxy.ts';
import type { Tinyproxy } from './tinyproxy.ts';

const deviceKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const user = { username: 'scepter', password: 'CANARYproxyPassword' };

describe('the Intune client through tinyproxy', () => {
  let folder: string;
  let emulator: EmulatorHost;
  let connection: Connection;
  let open: Tinyproxy;
  let guarded: Tinyproxy;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'scepter-interop-'));
    const now = (): Date => new Date();
    emulator = await startEmulatorHost({ microsoftPort: 0, controlPort: 0, folder, now, randomBytes });
    connection = await new EmulatorControl({ url: emulator.controlUrl, fetch }).connection();
    open = await startTinyproxy();
    guarded = await startTinyproxy(user);
  });

  after(async () => {
    await guarded.stop();
    await open.stop();
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  });

  function connect(proxy: NonNullable<IntuneClientOptions['proxy']>): IntuneClient {
    return new IntuneClient({
      tenant: connection.tenantId,
      credential: { clientId: connection.clientId, clientSecret: connection.clientSecret },
      callerInfo: 'Interop',
      authority: connection.authorityUrl,
      graphUrl: connection.graphUrl,
      tls: { ca: emulator.tlsCaPem },
      allowLoopback: true,
      retry: false,
      proxy,
    });
  }

  async function validation(): Promise<{ transactionId: string; certificateRequest: string }> {
    const control = new EmulatorControl({ url: emulator.controlUrl, fetch });
    const [challengePassword = ''] = await control.createChallenges({ subject: 'CN=Interop' });
    const subject = parseName('CN=Interop');
    const request = createCertificationRequest({ subject, ...deviceKeys, challengePassword });
    return { transactionId: 'INTEROP-1', certificateRequest: Buffer.from(request).toString('base64') };
  }

  const rows: [name: string, proxy: () => Tinyproxy, login: object][] = [
    ['without authentication', () => open, {}],
    ['with Basic authentication', () => guarded, user],
  ];
  for (const [name, proxy, login] of rows) {
    it(`validates ${name}, every call through the tunnel`, async () => {
      const { host, port } = proxy();
      const client = connect({ host, port, ...login });
      try {
        await client.validateRequest(await validation());
        const wrong = { ...(await validation()), transactionId: 'INTEROP-2' };
        const certificateRequest = Buffer.from(
          createCertificationRequest({ subject: parseName('CN=Other'), ...deviceKeys }),
        ).toString('base64');
        await assert.rejects(client.validateRequest({ ...wrong, certificateRequest }), IntuneRejectedError);
      } finally {
        await client.close();
      }
      const tunnels = await proxy().tunnels();
      assert.ok(tunnels.length > 0);
      assert.deepEqual(new Set(tunnels), new Set([new URL(emulator.microsoftUrl).host]));
    });
  }

  it('names the proxy when it demands another password, and shows neither', async () => {
    const client = connect({ host: guarded.host, port: guarded.port, username: 'scepter', password: 'CANARYwrong' });
    const error = await client.validateRequest(await validation()).then(
      () => assert.fail('It resolved'),
      (reason: unknown) => reason,
    );
    await client.close();
    assert.ok(error instanceof IntuneNetworkError, String(error));
    assert.equal(error.reason, 'proxy');
    assert.match(error.message, /proxy/i);
    assert.doesNotMatch(JSON.stringify(error) + String(error) + error.stack, /CANARY/);
    assert.ok(!(error instanceof IntuneAuthenticationError));
  });

  it('reaches nothing once the proxy is gone', async () => {
    const proxy = await startTinyproxy();
    const client = connect({ host: proxy.host, port: proxy.port });
    await client.validateRequest(await validation());
    await proxy.stop();
    await assert.rejects(client.validateRequest(await validation()), IntuneNetworkError);
    await client.close();
  });
});
