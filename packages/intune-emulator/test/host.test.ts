import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EmulatorControl } from '../src/control-client.ts';
import { seedDemo } from '../src/demo-tenant.ts';
import { EmulatorError } from '../src/errors.ts';
import { startEmulatorHost, type EmulatorHost, type EmulatorHostOptions } from '../src/host.ts';
import { platforms } from '../src/model.ts';
import { scepServicePath } from '../src/resources.ts';
import { certificateRequest, deviceInput, intuneScope, partsFor, rootCertificate } from './desk.ts';

let folder = '';
const running: EmulatorHost[] = [];
const now = () => new Date();

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scepter-emulator-'));
});
after(async () => {
  await Promise.all(running.map((host) => host.close()));
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<EmulatorHostOptions> = {}): Promise<EmulatorHost> {
  const host = await startEmulatorHost({
    microsoftPort: 0,
    controlPort: 0,
    folder: join(folder, 'main'),
    now,
    randomBytes,
    ...options,
  });
  running.push(host);
  return host;
}

interface Answer {
  status: number;
  body: string;
}

function call(
  host: EmulatorHost,
  url: string,
  init: { headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      ca: host.tlsCaPem,
      agent: false,
      method: init.body === undefined ? 'GET' : 'POST',
      headers: init.headers ?? {},
    };
    const outgoing = httpsRequest(url, options, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (body += chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(init.body);
  });
}

async function validate(host: EmulatorHost, certificateRequestText: string): Promise<Answer> {
  const { tenantId, clientId, clientSecret, authorityUrl } = await host.emulator.control.connection();
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: intuneScope,
  };
  const token = await call(host, `${authorityUrl}/${tenantId}/oauth2/v2.0/token?client-request-id=1`, {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  const { access_token: accessToken } = JSON.parse(token.body) as { access_token: string };
  return call(host, `${host.microsoftUrl}${scepServicePath}/ScepActions/validateRequest`, {
    headers: {
      authorization: `Bearer ${accessToken}`,
      'api-version': '2018-02-20',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      request: { transactionId: 'T', certificateRequest: certificateRequestText, callerInfo: 'Test' },
    }),
  });
}

const seed = { scepServerUrl: 'http://127.0.0.1:8080/scep/intune', rootCertificatePem: rootCertificate };

describe('the host', () => {
  it('serves a device of every platform over HTTPS, and knows them all after a restart', async () => {
    const first = await start();
    const { devices } = await seedDemo(first.emulator, seed);
    assert.deepEqual(
      devices.map(({ platform }) => platform),
      platforms,
    );
    const control = new EmulatorControl({ url: first.controlUrl, fetch });
    const requests: string[] = [];
    for (const device of devices) {
      const { scepProfiles, failedProfiles } = await control.checkIn(device.id);
      assert.deepEqual([scepProfiles.length, failedProfiles], [1, []]);
      requests.push(...scepProfiles.map((profile) => certificateRequest(partsFor(profile))));
    }
    const connection = await control.connection();
    await first.close();

    const second = await start();
    for (const request of requests) {
      const answer = await validate(second, request);
      assert.equal((JSON.parse(answer.body) as { code: string }).code, 'Success');
    }
    const restored = await new EmulatorControl({ url: second.controlUrl, fetch }).connection();
    assert.deepEqual(
      [restored.tenantId, restored.clientId, restored.clientSecret],
      [connection.tenantId, connection.clientId, connection.clientSecret],
    );
    assert.equal(second.tlsCaPem, first.tlsCaPem);
    assert.equal((await second.emulator.control.reports()).length, 5);
    await second.close();
  });

  it('seeds the demo once, and follows a new URL and root', async () => {
    const host = await start();
    await seedDemo(host.emulator, seed);
    await seedDemo(host.emulator, { ...seed, scepServerUrl: 'http://127.0.0.1:9090/scep/intune' });
    const { control } = host.emulator;
    const profiles = await control.profiles();
    assert.deepEqual(
      [profiles.length, (await control.devices()).length, (await control.assignments()).length],
      [5, 5, 5],
    );
    assert.ok(profiles.every(({ scepServerUrls }) => scepServerUrls[0] === 'http://127.0.0.1:9090/scep/intune'));
    assert.ok(profiles.every(({ version }) => version === 2));
    assert.equal(new Set(profiles.map(({ subjectNameFormatString }) => subjectNameFormatString)).size, 5);
    await host.close();
  });

  it('keeps its secrets to its owner', { skip: process.platform === 'win32' }, async () => {
    const host = await start();
    for (const name of ['secrets.json', 'tls.pem', 'state.json']) {
      assert.equal((await stat(join(folder, 'main', name))).mode & 0o777, 0o600, name);
    }
    const { clientSecret } = await host.emulator.control.connection();
    assert.ok(!(await readFile(join(folder, 'main', 'state.json'), 'utf8')).includes(clientSecret));
    await host.close();
  });

  it('says which port is in use, and lets go of the other', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    for (const ports of [{ microsoftPort: port }, { controlPort: port }]) {
      await assert.rejects(
        start(ports),
        (error) => error instanceof EmulatorError && error.code === 'emulator.port_in_use' && error.port === port,
      );
    }
    await new Promise((resolve) => blocker.close(resolve));
  });

  for (const name of ['state.json', 'secrets.json', 'tls.pem']) {
    it(`says that ${name} is damaged, and leaves it alone`, async () => {
      const own = join(folder, `damaged-${name}`);
      await (await start({ folder: own })).close();
      const path = join(own, name);
      await writeFile(path, 'rubbish');
      await assert.rejects(
        start({ folder: own }),
        (error) => error instanceof EmulatorError && error.code === 'emulator.state_damaged' && error.path === path,
      );
      assert.equal(await readFile(path, 'utf8'), 'rubbish');
    });
  }

  it('refuses a folder that another emulator uses, and takes it when that one has stopped', async () => {
    const own = join(folder, 'shared');
    const first = await start({ folder: own });
    const { id } = await first.emulator.control.createDevice(deviceInput);
    await assert.rejects(
      start({ folder: own }),
      (error) =>
        error instanceof EmulatorError &&
        error.code === 'emulator.folder_in_use' &&
        error.path === own &&
        error.hint !== undefined,
    );
    await first.close();
    const second = await start({ folder: own });
    assert.deepEqual(
      (await second.emulator.control.devices()).map((device) => device.id),
      [id],
    );
    await second.close();
  });

  it('lets go of the folder when it cannot start', async () => {
    const own = join(folder, 'released');
    const other = await start();
    const port = Number(new URL(other.controlUrl).port);
    await assert.rejects(start({ folder: own, controlPort: port }), EmulatorError);
    await other.close();
    await (await start({ folder: own })).close();
  });

  it('writes nothing to the folder once it has stopped', async () => {
    const host = await start({ folder: join(folder, 'stopped') });
    await host.close();
    await assert.rejects(host.emulator.control.createDevice(deviceInput), /stopped/u);
  });

  it('says that the folder cannot be made', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    await assert.rejects(
      start({ folder: join(file, 'emulator') }),
      (error) => error instanceof EmulatorError && error.code === 'emulator.folder_unwritable',
    );
  });
});

describe('the TLS certificate', () => {
  it('is for loopback names, from the CA in ca.pem, whose key is nowhere', async () => {
    const host = await start();
    assert.equal(await readFile(host.tlsCaFile, 'utf8'), host.tlsCaPem);
    const [, serverPem = ''] = (await readFile(join(folder, 'main', 'tls.pem'), 'utf8')).split(/(?=-----BEGIN CERT)/u);
    const server = new X509Certificate(serverPem);
    const authority = new X509Certificate(host.tlsCaPem);
    assert.equal(server.checkIP('127.0.0.1'), '127.0.0.1');
    assert.equal(server.checkHost('localhost'), 'localhost');
    assert.ok(server.checkIssued(authority) && server.verify(authority.publicKey));
    assert.deepEqual([authority.ca, server.ca], [true, false]);
    await host.close();
  });

  it('is made again before it expires', async () => {
    const own = join(folder, 'tls');
    const first = await start({ folder: own, now: () => new Date('2024-01-01T00:00:00Z') });
    await first.close();
    const second = await start({ folder: own });
    assert.notEqual(second.tlsCaPem, first.tlsCaPem);
    assert.equal((await call(second, `${second.microsoftUrl}/common/discovery/instance`)).status, 200);
    await second.close();
  });
});

describe('over the network', () => {
  it('a disconnect fault cuts the connection', async () => {
    const host = await start();
    await host.emulator.control.setFault({ operation: 'validateRequest', fault: { kind: 'disconnect' } });
    await assert.rejects(validate(host, 'AAAA'), /socket hang up|ECONNRESET/u);
    await host.close();
  });

  it('closing cuts a request that a fault delays, and lets the process end', async () => {
    const host = await start();
    const fault = { kind: 'delay', delayMs: 100_000 } as const;
    await host.emulator.control.setFault({ operation: 'validateRequest', fault, times: 1 });
    const cut = assert.rejects(validate(host, 'AAAA'), /socket hang up|ECONNRESET/u);
    while ((await host.emulator.control.faults()).length > 0) await setTimeout(5);
    await host.close();
    await cut;
  });

  it('a body of 1 MB gets 413, and the host goes on', async () => {
    const host = await start();
    const url = `${host.microsoftUrl}${scepServicePath}/ScepActions/validateRequest`;
    const answer = await call(host, url, { body: 'x'.repeat(1024 * 1024) }).catch(() => ({ status: 413 }));
    assert.equal(answer.status, 413);
    assert.equal((await validate(host, 'AAAA')).status, 200);
    await host.close();
  });

  const ownAddress = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  it('the control API answers loopback only, whatever host is named', { skip: ownAddress === undefined }, async () => {
    const host = await start({ host: '0.0.0.0' });
    const { port } = new URL(host.controlUrl);
    const status = (address: string) =>
      new Promise((resolve, reject) => {
        const url = `http://${address}:${port}/control/connection`;
        httpRequest(url, { headers: { host: '127.0.0.1' } }, (answer) => resolve(answer.resume().statusCode))
          .on('error', reject)
          .end();
      });
    try {
      assert.equal(await status('127.0.0.1'), 200);
      await assert.rejects(status(ownAddress ?? ''), /socket hang up|ECONNRESET/u);
    } finally {
      await host.close();
    }
  });

  it('closing does not wait for a client that hangs', async () => {
    const host = await start();
    const socket = connect(Number(new URL(host.controlUrl).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.on('error', () => undefined);
    socket.write('POST /control/devices HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await host.close();
    await closed;
    assert.ok(socket.destroyed);
  });
});
