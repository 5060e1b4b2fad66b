/** What keeps one client from taking the listener away from the others, over real sockets. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { textAnswer } from '../../../src/http/exchange.ts';
import type { Route } from '../../../src/http/http-server.ts';
import { ask, needsAddresses, openListener, openRaw, sleep } from './listener.ts';
import type { Listener, RawConnection } from './listener.ts';

const listeners: Listener[] = [];
const connections: RawConnection[] = [];
after(async () => {
  for (const { socket } of connections) socket.destroy();
  await Promise.all(listeners.map((listener) => listener.close()));
});

const hello: Route = () => textAnswer(200, 'hello');

async function opened(...of: Parameters<typeof openListener>): Promise<Listener> {
  const listener = await openListener(...of);
  listeners.push(listener);
  return listener;
}

async function raw(port: number, from?: string): Promise<RawConnection> {
  const connection = await openRaw(port, from);
  connections.push(connection);
  return connection;
}

describe('requests in time', () => {
  it('of one client beyond its burst: 429 with Retry-After, which lets it in when it obeys', async () => {
    const listener = await opened({ '/': hello }, { requestBurstPerAddress: 20, requestsPerMinutePerAddress: 600 });
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask({ port: listener.port })));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length >= 30 && refused.length <= 40, `${refused.length}`);
    const waits = refused.map(({ headers }) => Number(headers['retry-after']));
    assert.ok(
      waits.every((seconds) => Number.isInteger(seconds) && seconds >= 1 && seconds <= 10),
      waits.join(),
    );
    await sleep(Math.min(...waits) * 1000);
    assert.equal((await ask({ port: listener.port })).status, 200);
    assert.deepEqual(listener.reached, [['requestsPerMinutePerAddress', '127.0.0.1']], 'told once');
    assert.deepEqual(listener.refused, [], 'and not for each answer');
  });

  it('of one client do not count to another', { skip: needsAddresses }, async () => {
    const listener = await opened({ '/': hello }, { requestBurstPerAddress: 5, requestsPerMinutePerAddress: 60 });
    await Promise.all(Array.from({ length: 50 }, () => ask({ port: listener.port })));
    for (let request = 0; request < 5; request += 1) {
      assert.equal((await ask({ port: listener.port, from: '127.0.0.2' })).status, 200);
    }
  });

  it(
    'of all clients together: 503 with Retry-After, but not for whoever supervises',
    { skip: needsAddresses },
    async () => {
      const listener = await opened({ '/health': hello, '/': hello }, { requestsPerMinute: 60 });
      const answers = await Promise.all(
        Array.from({ length: 40 }, (_, index) => ask({ port: listener.port, from: `127.0.0.${1 + index}` })),
      );
      const refused = answers.filter(({ status }) => status === 503);
      assert.equal(refused.length, 30, 'a sixth of 60 at once');
      assert.ok(refused.every(({ headers }) => Number(headers['retry-after']) >= 1));
      assert.equal((await ask({ port: listener.port, path: '/health' })).status, 200);
    },
  );

  it('behind a trusted proxy count to who is named, and cannot be counted to somebody else', async () => {
    const limits = { requestBurstPerAddress: 5, requestsPerMinutePerAddress: 1 };
    const listener = await opened({ '/': hello }, limits, ['127.0.0.1']);
    const from = (forwardedFor: string) => ask({ port: listener.port, headers: { 'x-forwarded-for': forwardedFor } });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => from(`192.0.2.${index}, 198.51.100.7`)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 5);
    assert.equal((await from('198.51.100.8')).status, 200);
    assert.deepEqual(listener.reached, [['requestsPerMinutePerAddress', '198.51.100.7']]);
  });

  it('of one /64 are told once, whichever of its addresses they come from', async () => {
    const listener = await opened({ '/': hello }, { requestBurstPerAddress: 1, requestsPerMinutePerAddress: 1 }, [
      '127.0.0.1',
    ]);
    const from = (forwardedFor: string) => ask({ port: listener.port, headers: { 'x-forwarded-for': forwardedFor } });
    for (const address of ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::4', '2001:db8:0:1::5']) {
      await from(address);
    }
    assert.deepEqual(listener.reached, [
      ['requestsPerMinutePerAddress', '2001:db8::2'],
      ['requestsPerMinutePerAddress', '2001:db8:0:1::5'],
    ]);
  });

  it('a refusal answers a POST whose body it does not want, and the connection goes on', async () => {
    const listener = await opened({ '/': hello }, { requestBurstPerAddress: 3, requestsPerMinutePerAddress: 1 });
    const connection = await raw(listener.port);
    const post = `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`;
    connection.socket.write(post.repeat(6));
    await sleep(500);
    assert.deepEqual(
      connection
        .received()
        .match(/HTTP\/1\.1 \d+/g)
        ?.slice(3),
      Array(3).fill('HTTP/1.1 429'),
    );
    assert.ok(connection.isOpen());
  });

  it('who does not read the refusals loses the connection', async () => {
    const listener = await opened({ '/': hello }, { requestBurstPerAddress: 3, requestsPerMinutePerAddress: 1 });
    const connection = await raw(listener.port);
    connection.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200));
    await connection.closed;
    assert.ok((connection.received().match(/HTTP\/1\.1 429/g)?.length ?? 0) < 20);
  });
});

describe('connections', () => {
  it('of one client beyond its share: the oldest idle one is closed, the newest served', async () => {
    const listener = await opened({ '/': hello }, { connectionsPerAddress: 10 });
    const idle: RawConnection[] = [];
    for (let count = 0; count < 12; count += 1) idle.push(await raw(listener.port));
    assert.equal((await ask({ port: listener.port })).status, 200);
    await sleep(50);
    assert.deepEqual(
      idle.map((connection) => connection.isOpen()),
      [false, false, false, ...Array<boolean>(9).fill(true)],
    );
    assert.deepEqual(listener.reached, [['connectionsPerAddress', '127.0.0.1']]);
  });

  it('when all are taken, who holds the most gives one up for somebody else', { skip: needsAddresses }, async () => {
    const listener = await opened({ '/': hello }, { connections: 20 });
    const greedy: RawConnection[] = [];
    for (let count = 0; count < 15; count += 1) greedy.push(await raw(listener.port, '127.0.0.1'));
    const modest: RawConnection[] = [];
    for (let count = 0; count < 5; count += 1) modest.push(await raw(listener.port, '127.0.0.3'));
    for (let count = 0; count < 8; count += 1) {
      assert.equal((await ask({ port: listener.port, from: '127.0.0.2' })).status, 200);
    }
    assert.ok(modest.every((connection) => connection.isOpen()));
    assert.ok(greedy.filter((connection) => connection.isOpen()).length >= 7);
  });

  it('of a trusted proxy carry many clients: they are neither counted to one nor given up', async () => {
    const listener = await opened({ '/': hello }, { connectionsPerAddress: 2, connections: 16 }, ['127.0.0.1']);
    const proxied: RawConnection[] = [];
    for (let count = 0; count < 16; count += 1) proxied.push(await raw(listener.port));
    const further = await raw(listener.port);
    await further.closed;
    assert.ok(proxied.every((connection) => connection.isOpen()));
    assert.deepEqual(listener.reached, [['connections', '127.0.0.1']]);
  });

  it('of a trusted proxy find room while somebody else holds several', { skip: needsAddresses }, async () => {
    const listener = await opened({ '/': hello }, { connections: 20 }, ['127.0.0.1']);
    const proxied: RawConnection[] = [];
    for (let count = 0; count < 8; count += 1) proxied.push(await raw(listener.port));
    const others: RawConnection[] = [];
    for (let count = 0; count < 12; count += 1) others.push(await raw(listener.port, `127.0.0.${2 + (count % 3)}`));
    for (let count = 0; count < 6; count += 1) proxied.push(await raw(listener.port));
    assert.equal((await ask({ port: listener.port, from: '127.0.0.9' })).status, 200, 'a newcomer without a proxy');
    await sleep(50);
    assert.deepEqual(
      proxied.map((connection) => connection.isOpen()),
      Array<boolean>(14).fill(true),
    );
    assert.equal(others.filter((connection) => connection.isOpen()).length, 5);
  });

  it('that wait for an answer of ours are never given up', async () => {
    const gates: (() => void)[] = [];
    const slow: Route = async () => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return textAnswer(200, 'done');
    };
    const listener = await opened({ '/slow': slow, '/': hello }, { connectionsPerAddress: 4 });
    const waiting = Array.from({ length: 3 }, () => ask({ port: listener.port, path: '/slow' }));
    while (gates.length < 3) await sleep(10);
    for (let count = 0; count < 50; count += 1) await raw(listener.port);
    for (const open of gates) open();
    assert.deepEqual(
      (await Promise.all(waiting)).map(({ status }) => status),
      [200, 200, 200],
    );
  });

  it('1,000 at once from one client leave the listener serving another', { skip: needsAddresses }, async () => {
    const listener = await opened({ '/': hello }, { connections: 64, connectionsPerAddress: 48 });
    const flood = Array.from({ length: 1_000 }, () => raw(listener.port, '127.0.0.1'));
    const startedAt = performance.now();
    assert.equal((await ask({ port: listener.port, from: '127.0.0.2' })).status, 200);
    assert.ok(performance.now() - startedAt < 3_000);
    await Promise.all(flood);
  });
});

describe('slow clients', () => {
  it('a head that does not end: closed after the request time', async () => {
    const listener = await opened({ '/': hello }, { requestTimeoutMs: 1_000 });
    const connection = await raw(listener.port);
    connection.socket.write('GET / HTTP/1.1\r\n');
    const trickle = setInterval(() => connection.socket.write('X: y\r\n'), 100);
    const startedAt = performance.now();
    await connection.closed;
    clearInterval(trickle);
    assert.ok(performance.now() - startedAt < 4_000);
    assert.match(connection.received(), /^HTTP\/1\.1 408 /);
  });

  it('an answer that is not fetched: reset when its time is over, and not before', async () => {
    const body = new Uint8Array(32 * 1024 * 1024);
    const big: Route = () => ({ status: 200, contentType: 'application/pkix-crl', body });
    const listener = await opened({ '/': big }, { requestTimeoutMs: 1_000, minimumBytesPerSecond: 32 * 1024 * 1024 });
    const honest = await ask({ port: listener.port });
    assert.equal(honest.body.length, body.length);
    const connection = await raw(listener.port);
    connection.socket.pause();
    connection.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const startedAt = performance.now();
    await sleep(1_000);
    connection.socket.write('GET / HTTP/1.1\r\n');
    // Only a write or a read shows a paused socket that it was reset.
    const probe = setInterval(() => connection.socket.write('x'), 100);
    await connection.closed;
    clearInterval(probe);
    const elapsedMs = performance.now() - startedAt;
    assert.ok(elapsedMs > 1_500 && elapsedMs < 5_000, `${elapsedMs}`);
  });

  it('an idle connection: closed after its time', async () => {
    const listener = await opened({ '/': hello }, { keepAliveMs: 1_000 });
    const connection = await raw(listener.port);
    connection.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const startedAt = performance.now();
    await connection.closed;
    assert.ok(performance.now() - startedAt < 4_000);
    assert.match(connection.received(), /^HTTP\/1\.1 200 /);
  });
});

it('nothing of all this was an error of ours', () => {
  assert.deepEqual(
    listeners.flatMap(({ unexpected }) => unexpected),
    [],
  );
});
