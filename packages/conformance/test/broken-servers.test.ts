import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { ProbeError } from '../src/index.ts';
import { runProbe, told } from './run-probe.ts';
import { startSmallServer } from './small-server.ts';

/** A TCP server that does with each request what it likes. */
async function startRaw(test: TestContext, answer: (request: string, socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => answer(chunk.toString('latin1'), socket));
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/scep`;
}

const response = (body: string | Uint8Array, head = 'HTTP/1.1 200 OK'): Buffer =>
  Buffer.concat([Buffer.from(`${head}\r\nContent-Length: ${body.length}\r\n\r\n`), Buffer.from(body)]);

describe('a broken server', () => {
  it('that nobody runs is no server to probe', async () => {
    await assert.rejects(
      runProbe('http://127.0.0.1:1/scep'),
      (error) =>
        error instanceof ProbeError && error.code === 'probe.unreachable' && /ECONNREFUSED/.test(error.message),
    );
  });

  it('that never answers is not reached', async (test) => {
    const url = await startRaw(test, () => {});
    await assert.rejects(
      runProbe(url, { timeoutMs: 200 }),
      (error) => error instanceof ProbeError && error.code === 'probe.unreachable' && /in time/.test(error.message),
    );
  });

  it('that hangs up is not reached', async (test) => {
    const url = await startRaw(test, (_request, socket) => socket.destroy());
    await assert.rejects(runProbe(url), (error) => error instanceof ProbeError && error.code === 'probe.unreachable');
  });

  const bodies: readonly (readonly [name: string, body: string | Uint8Array])[] = [
    ['nothing', ''],
    ['a page of HTML', '<html><body>Not found</body></html>'],
    ['an empty SEQUENCE', Uint8Array.of(0x30, 0)],
    ['a length that lies', Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)],
    ['nesting without an end', new Uint8Array(50_000).fill(0x30)],
    [
      'nesting of indefinite lengths',
      Uint8Array.from({ length: 50_000 }, (_, index) => (index % 2 === 0 ? 0x30 : 0x80)),
    ],
    ['zeros', new Uint8Array(100_000)],
  ];
  for (const [name, body] of bodies) {
    it(`that answers everything with ${name} fails, and the probe goes on to its end`, async (test) => {
      const url = await startRaw(test, (_request, socket) => void socket.end(response(body)));
      const { conforms, results } = await runProbe(url, { timeoutMs: 1_000 });
      assert.equal(conforms, false);
      const passed = results.filter(
        ({ group, state }) =>
          state === 'pass' && ['messages', 'enrollment', 'renewal', 'poll', 'query'].includes(group),
      );
      assert.deepEqual(passed.map(told), []);
      assert.deepEqual(results.filter(({ saw }) => saw.includes('could not do it')).map(told), []);
    });
  }

  it('that sends without an end is cut off', async (test) => {
    const server = await startSmallServer({
      http: (received, answer) =>
        received.operation === 'GetCACert' ? { ...answer, body: new Uint8Array(9 * 1024 * 1024) } : answer,
    });
    test.after(() => server.close());
    const { results } = await runProbe(server.url, { only: ['ca.decodes'] });
    assert.match(results.map(told).join(), /^fail ca.decodes: the server sent more than 8388608 bytes$/);
  });

  it('that takes the second request of a doubled body is noticed by abuse.smuggling', async (test) => {
    const url = await startRaw(test, (request, socket) => {
      const body = request.includes('operation=GetCACaps') ? 'POSTPKIOperation' : 'no';
      socket.end(response(body));
    });
    const { results } = await runProbe(url, { only: ['abuse.smuggling'], abuse: true });
    assert.match(results.map(told).join(), /^fail abuse.smuggling: the second request was answered$/);
  });

  it('whose every byte is changed in turn never breaks the probe', async (test) => {
    let count = 0;
    const server = await startSmallServer({
      http: ({ operation }, answer) => {
        if (operation !== 'PKIOperation') return answer;
        count += 1;
        const body = Uint8Array.from(answer.body);
        const at = (count * 37) % Math.max(1, body.length);
        body[at] = (body[at] ?? 0) ^ (1 << (count % 8));
        return { ...answer, body };
      },
    });
    test.after(() => server.close());
    for (let round = 0; round < 5; round += 1) {
      const { results } = await runProbe(server.url, { only: ['messages', 'enrollment', 'renewal', 'poll', 'query'] });
      assert.deepEqual(results.filter(({ saw }) => saw.includes('could not do it')).map(told), []);
    }
  });
});

describe('a busy server', () => {
  it('is asked again after the time that it gives', async (test) => {
    let refusals = 2;
    const server = await startSmallServer({
      http: (received, answer) => {
        if (received.method !== 'POST' || refusals === 0) return answer;
        refusals -= 1;
        return { status: 503, contentType: 'text/plain', body: new Uint8Array(), headers: { 'retry-after': '0.01' } };
      },
    });
    test.after(() => server.close());
    const { results } = await runProbe(server.url, { only: ['http.post'] });
    assert.deepEqual(results.map(told), ['pass http.post: FAILURE badCertId']);
  });

  it('keeps nobody who interrupts the probe', async (test) => {
    const busy = response('busy', 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10');
    const url = await startRaw(test, (_request, socket) => socket.write(busy));
    const startedAt = performance.now();
    await assert.rejects(
      runProbe(url, { signal: AbortSignal.timeout(200) }),
      (error) => error instanceof ProbeError && error.code === 'probe.aborted',
    );
    assert.ok(performance.now() - startedAt < 8_000, 'long before the ten seconds that it asks for');
  });

  it('that stays busy is unclear, not failed', async (test) => {
    const server = await startSmallServer({
      http: (received, answer) =>
        received.method === 'POST' ? { status: 429, contentType: 'text/plain', body: new Uint8Array() } : answer,
    });
    test.after(() => server.close());
    const { results } = await runProbe(server.url, { only: ['http.post'] });
    assert.deepEqual(results.map(told), ['inconclusive http.post: the server is busy: HTTP 429']);
  });
});
