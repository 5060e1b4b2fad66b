/** The frame of the admin API: who gets in, what is refused, and what is left on the disk and in the log. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { adminRecordPath, createLogger, parseSettings, readAdminRecord, startServer } from '../../src/index.ts';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { administer, adminRecord } from './admin-client.ts';
import type { AdminRequest } from './admin-client.ts';

const MDM_TOKEN = 'a-token-of-the-mdm-that-is-long-enough';
const AUDITOR_TOKEN = 'a-token-of-the-auditor-that-is-long-enough';
let laboratory: Laboratory;
before(async () => {
  laboratory = await openLaboratory({
    admin: {
      tokens: {
        mdm: { secret: { environment: 'MDM_TOKEN' }, permissions: ['challenges'] },
        auditor: { secret: { environment: 'AUDITOR_TOKEN' }, permissions: ['requests'] },
      },
    },
    environment: { MDM_TOKEN, AUDITOR_TOKEN },
  });
});
after(() => laboratory.close());

const without = (record: object, key: string): string => JSON.stringify({ ...record, [key]: undefined });

describe('admin.json', () => {
  it('leads its owner alone to the admin API', async () => {
    const path = join(laboratory.folder, 'data', 'admin.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const { url, processId } = adminRecord(laboratory);
    assert.equal(url, laboratory.server.adminUrl);
    assert.equal(processId, process.pid);
    const { status, body } = await administer(laboratory, 'GET /api/health');
    assert.deepEqual(
      [status, body],
      [200, { status: 'ok', token: 'local', permissions: ['challenges', 'requests', 'authority'] }],
    );
  });

  it('is read as it was written, and what is damaged or not there is told apart', async () => {
    assert.deepEqual(await readAdminRecord(join(laboratory.folder, 'data')), adminRecord(laboratory));
    const folder = mkdtempSync(join(tmpdir(), 'scepter-admin-record-'));
    const record = { url: 'http://127.0.0.1:1', token: 'x', processId: 1 };
    for (const damaged of ['{"url":', 'null', '[]', ...Object.keys(record).map((key) => without(record, key))]) {
      writeFileSync(adminRecordPath(folder), damaged);
      assert.equal(await readAdminRecord(folder), undefined, damaged);
    }
    rmSync(folder, { recursive: true });
    await assert.rejects(readAdminRecord(folder), { code: 'ENOENT' });
  });

  it('has another token at each start, and is gone when the server is stopped', async () => {
    const { token } = adminRecord(laboratory);
    await laboratory.server.close();
    assert.equal(existsSync(join(laboratory.folder, 'data', 'admin.json')), false);
    await laboratory.restart();
    assert.notEqual(adminRecord(laboratory).token, token);
    assert.equal((await administer(laboratory, 'GET /api/health', { token })).status, 401);
  });
});

describe('a port of the admin API that is taken', () => {
  it('keeps the server from starting, and is named', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const folder = mkdtempSync(join(tmpdir(), 'scepter-admin-'));
    const json = {
      listen: { port: 0 },
      dataFolder: folder,
      authority: { organization: 'Example' },
      endpoints: { one: { authorizer: { kind: 'one-time-challenge' } } },
      admin: { listen: { port } },
    };
    const settings = parseSettings(json, { baseFolder: folder, environment: {} });
    const logger = createLogger({ destination: { write: () => true }, pretty: false, level: 'silent' });
    await assert.rejects(startServer({ settings, now: () => new Date(), randomBytes, logger }), {
      code: 'server.port_in_use',
      message: `Port ${port} of 127.0.0.1 is in use.`,
    });
    assert.equal(existsSync(join(folder, 'admin.json')), false);
    holder.close();
    rmSync(folder, { recursive: true });
  });
});

describe('the admin API', () => {
  it('is not on the listener that devices reach', async () => {
    const { token } = adminRecord(laboratory);
    const response = await fetch(`${laboratory.server.url}/api/health`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(response.status, 404);
    await response.body?.cancel();
  });

  it('knows a configured token and what it may do', async () => {
    const { status, headers, body } = await administer(laboratory, 'GET /api/health', { token: MDM_TOKEN });
    assert.deepEqual([status, body], [200, { status: 'ok', token: 'mdm', permissions: ['challenges'] }]);
    assert.equal(headers.get('cache-control'), 'no-store');
  });

  const refused: { name: string; line?: string; request: AdminRequest; status: number; code: string }[] = [
    { name: 'no token', request: { token: '' }, status: 401, code: 'admin.unauthorized' },
    { name: 'a wrong token', request: { token: `${MDM_TOKEN}x` }, status: 401, code: 'admin.unauthorized' },
    {
      name: 'a token in another scheme',
      request: { token: '', headers: { authorization: `Basic ${MDM_TOKEN}` } },
      status: 401,
      code: 'admin.unauthorized',
    },
    {
      name: 'a web page, although it has a token',
      request: { headers: { origin: 'https://evil.example' } },
      status: 403,
      code: 'admin.browser',
    },
    { name: 'a path that is none', line: 'GET /api/nothing', request: {}, status: 404, code: 'admin.not_found' },
    {
      name: 'a path that is none, without a token',
      line: 'GET /',
      request: { token: '' },
      status: 401,
      code: 'admin.unauthorized',
    },
    {
      name: 'a permission that is missing',
      line: 'GET /api/challenges',
      request: { token: AUDITOR_TOKEN },
      status: 403,
      code: 'admin.forbidden',
    },
    {
      name: 'a body that is too large',
      line: 'POST /api/challenges',
      request: { body: 'x'.repeat(65_537) },
      status: 413,
      code: 'admin.too_large',
    },
    {
      name: 'a body of another type',
      line: 'POST /api/challenges',
      request: { body: 'endpoint=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      status: 415,
      code: 'admin.not_json_type',
    },
    {
      name: 'a body that is not JSON',
      line: 'POST /api/challenges',
      request: { body: '{' },
      status: 400,
      code: 'admin.not_json',
    },
  ];
  for (const { name, line = 'GET /api/health', request, status, code } of refused) {
    it(`refuses ${name}, in the form of RFC 9457, and logs it`, async () => {
      laboratory.log.length = 0;
      const answer = await administer(laboratory, line, request);
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
      assert.equal(answer.headers.get('www-authenticate'), status === 401 ? 'Bearer' : null);
      const { type, title, detail, status: told, code: toldCode } = answer.body;
      assert.deepEqual([type, told, toldCode], ['about:blank', status, code]);
      assert.ok(typeof title === 'string' && typeof detail === 'string');
      const logged = laboratory.log.map((entry) => JSON.parse(entry) as Record<string, unknown>);
      if (status !== 404 || line !== 'GET /api/nothing') assert.equal(logged[0]?.['errorCode'], code);
      for (const secret of [MDM_TOKEN, AUDITOR_TOKEN, adminRecord(laboratory).token]) {
        assert.ok(!laboratory.log.join('').includes(secret));
        assert.ok(!JSON.stringify(answer.body).includes(secret));
      }
    });
  }

  it('takes no more than 64 KB of a body whose length is not told', async () => {
    const chunk = Buffer.alloc(16_384, 'x');
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(chunk);
        if ((sent += 1) === 6) controller.close();
      },
    });
    const { url, token } = adminRecord(laboratory);
    const response = await fetch(`${url}/api/challenges`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
      duplex: 'half',
    });
    assert.equal(response.status, 413);
    await response.body?.cancel();
  });

  it('takes no bytes that are not UTF-8 for a name', async () => {
    const { url, token } = adminRecord(laboratory);
    const response = await fetch(`${url}/api/challenges`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: Buffer.from('{"label":"\xff"}', 'latin1'),
    });
    const { code } = (await response.json()) as { code: string };
    assert.deepEqual([response.status, code], [400, 'admin.not_json']);
  });

  it('does not take a caller that goes away for an error of the server', async () => {
    laboratory.log.length = 0;
    const { url, token } = adminRecord(laboratory);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const head = `POST /api/challenges HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 9\r\n\r\n{`;
    socket.write(head);
    await once(socket, 'connect');
    // The route waits for the rest of the body by then.
    await administer(laboratory, 'GET /api/health');
    socket.resetAndDestroy();
    for (let waits = 0; waits < 100 && laboratory.log.length === 0; waits += 1) await sleep(20);
    const codes = laboratory.log.map((line) => (JSON.parse(line) as Record<string, unknown>)['errorCode']);
    assert.deepEqual(codes, ['admin.too_slow']);
  });

  it('answers too many wrong tokens with 429, without keeping out a right one', async () => {
    laboratory.advanceMs(60_001);
    laboratory.log.length = 0;
    const statuses = new Set<number>();
    let last: Headers | undefined;
    for (let index = 0; index < 40; index += 1) {
      const { status, headers } = await administer(laboratory, 'GET /api/health', { token: 'guess' });
      statuses.add(status);
      last = headers;
    }
    assert.deepEqual([...statuses], [401, 429]);
    assert.equal(last?.get('retry-after'), '60');
    const codes = laboratory.log.map((line) => (JSON.parse(line) as Record<string, unknown>)['errorCode']);
    assert.equal(codes.filter((code) => code === 'admin.unauthorized').length, 30);
    assert.equal(codes.filter((code) => code === 'admin.too_many_attempts').length, 1, 'told once');
    assert.equal((await administer(laboratory, 'GET /api/health')).status, 200);
    laboratory.advanceMs(60_001);
    assert.equal((await administer(laboratory, 'GET /api/health', { token: 'guess' })).status, 401);
  });
});
