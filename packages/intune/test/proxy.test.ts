import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { inspect } from 'node:util';
import { HttpConnections } from '../src/http/http-connections.ts';
import { IntuneArgumentError, IntuneNetworkError, type ProxyOptions } from '../src/index.ts';
import { withEnvironment } from './environment.ts';
import { identity, Microsoft } from './microsoft.ts';
import { TestProxy, type TestProxyOptions } from './proxy.ts';
import { rejection, success, validation } from './requests.ts';
import { createServerIdentity } from './tls-certificate.ts';

const password = 'CANARY-proxy:pässword §';

/** Until both ends know that a connection is closed. */
const settled = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 50));

describe('proxy', () => {
  let microsoft: Microsoft;
  const proxies: TestProxy[] = [];
  beforeEach(async () => {
    microsoft = await Microsoft.start();
  });
  afterEach(async () => {
    await microsoft.stop();
    await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
  });

  const startProxy = async (options?: TestProxyOptions): Promise<TestProxy> => {
    const proxy = await TestProxy.start(options);
    proxies.push(proxy);
    return proxy;
  };
  const networkError = async (proxy: ProxyOptions, timeoutMs = 5000): Promise<IntuneNetworkError> => {
    const error = await rejection(microsoft.connect({ proxy, timeoutMs, retry: false }).validateRequest(validation));
    assert.ok(error instanceof IntuneNetworkError, inspect(error));
    return error;
  };

  const kinds: [name: string, options: TestProxyOptions][] = [
    ['an http proxy', {}],
    ['an http proxy with basic authentication', { credentials: { username: 'contoso\\scep', password } }],
    ['an http proxy with a user that has no password', { credentials: { username: 'scep', password: '' } }],
    ['an https proxy', { identity }],
    ['an https proxy with basic authentication', { identity, credentials: { username: 'scep', password } }],
    ['a proxy at an IPv6 address', { host: '::1' }],
    ['an https proxy at an IPv6 address', { host: '::1', identity }],
  ];
  for (const [name, options] of kinds) {
    it(`carries sign-in, discovery and Intune through ${name}, and nothing beside it`, async () => {
      const proxy = await startProxy(options);
      const other = await Microsoft.start();
      try {
        // Sign-in on an origin of its own shows that it takes the proxy too.
        const client = microsoft.connect({
          proxy: proxy.options(),
          authority: other.origin,
          tls: { ca: identity.ca },
        });
        await client.validateRequest(validation);
        await client.notifySuccess(success);
        assert.deepEqual(new Set(proxy.targets), new Set([new URL(other.origin).host, new URL(microsoft.origin).host]));
        assert.equal(other.count('token'), 2);
        assert.equal(microsoft.count('service'), 2);
        // Whatever connects to Microsoft does so from within a tunnel.
        assert.equal(proxy.openTunnels, microsoft.openSockets + other.openSockets);
        assert.equal(proxy.otherRequests, 0);
      } finally {
        await other.stop();
      }
    });
  }

  it('tunnels to a target at an IPv6 address', async () => {
    const proxy = await startProxy();
    const client = microsoft.connect({ proxy: proxy.options(), authority: 'https://[::1]:1', retry: false });
    const error = await rejection(client.validateRequest(validation));
    assert.deepEqual(proxy.targets, ['[::1]:1']);
    assert.ok(error instanceof IntuneNetworkError);
    assert.equal(error.proxyStatus, 502);
  });

  it('names the standard port to the proxy', async () => {
    const proxy = await startProxy();
    proxy.behaviour = { status: 502 };
    const client = microsoft.connect({ proxy: proxy.options(), authority: 'https://login.test', retry: false });
    await assert.rejects(client.validateRequest(validation), IntuneNetworkError);
    assert.deepEqual(proxy.targets, ['login.test:443']);
  });

  it('is asked for a tunnel for each connection, and calls reuse connections', async () => {
    const proxy = await startProxy();
    const client = microsoft.connect({ proxy: proxy.options() });
    for (let call = 0; call < 20; call += 1) {
      await client.validateRequest(validation);
    }
    // Two: a connection rests for a turn of the event loop, so calls in close succession alternate.
    assert.ok(proxy.targets.length <= 2, `${proxy.targets.length} tunnels`);
    assert.equal(microsoft.count('service'), 20);
  });

  it('carries no more than 64 tunnels for 300 concurrent calls, and closes them with the client', async () => {
    const proxy = await startProxy();
    const client = microsoft.connect({ proxy: proxy.options(), timeoutMs: 20_000 });
    await client.validateRequest(validation);
    await Promise.all(Array.from({ length: 300 }, () => client.validateRequest(validation)));
    assert.ok(proxy.targets.length <= 64, `${proxy.targets.length} tunnels`);
    await client.close();
    await settled();
    assert.equal(proxy.openTunnels, 0);
    assert.equal(proxy.openConnections, 0);
  });

  it('belongs to one client: another goes its own way', async () => {
    const proxy = await startProxy();
    await microsoft.connect({ proxy: proxy.options() }).validateRequest(validation);
    const before = proxy.targets.length;
    assert.ok(before > 0);
    await microsoft.connect().validateRequest(validation);
    assert.equal(proxy.targets.length, before);
  });

  it('is not taken from the environment', async () => {
    const proxy = await startProxy();
    const { host, port } = proxy.options();
    const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY'];
    const variables = Object.fromEntries(names.map((name) => [name, `http://${host}:${port}`]));
    await withEnvironment({ ...variables, NODE_USE_ENV_PROXY: '1' }, async () => {
      await microsoft.connect().validateRequest(validation);
    });
    assert.equal(proxy.targets.length, 0);
  });

  it('opens new tunnels after the old ones were cut', async () => {
    const proxy = await startProxy();
    const client = microsoft.connect({ proxy: proxy.options() });
    await client.validateRequest(validation);
    const before = proxy.targets.length;
    proxy.cutTunnels();
    await settled();
    await client.validateRequest(validation);
    assert.ok(proxy.targets.length > before);
    assert.equal(proxy.openTunnels, microsoft.openSockets);
  });

  describe('failures', () => {
    const refusals: [status: number, message: RegExp][] = [
      [407, /answered HTTP 407 to CONNECT .*check proxy\.username and proxy\.password/],
      [403, /answered HTTP 403 .*must be allowed to connect/],
      [502, /answered HTTP 502 .*the proxy did not reach that host/],
      [503, /answered HTTP 503 .*the proxy did not reach that host/],
      [401, /answered HTTP 401 .*check proxy\.username/],
      [500, /answered HTTP 500 .*did not reach that host/],
      [404, /answered HTTP 404 to CONNECT 127\.0\.0\.1:\d+$/],
      [302, /answered HTTP 302/],
    ];
    for (const [status, message] of refusals) {
      it(`tells that the proxy refused with ${status}`, async () => {
        const proxy = await startProxy();
        proxy.behaviour = { status };
        const error = await networkError(proxy.options());
        assert.equal(error.reason, 'proxy');
        assert.equal(error.proxyStatus, status);
        assert.match(error.message, message);
        await settled();
        assert.equal(proxy.openConnections, 0);
      });
    }

    it('says what to do about a wrong password, and never shows it', async () => {
      const proxy = await startProxy({ credentials: { username: 'scep', password } });
      const error = await networkError(proxy.options({ password: `${password}2` }));
      assert.equal(error.proxyStatus, 407);
      const shown = inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error);
      assert.doesNotMatch(shown, /CANARY|p.ssword §/);
      assert.ok(!shown.includes(Buffer.from(`scep:${password}2`).toString('base64')));
      assert.equal(microsoft.received.length, 0);
    });

    it('tells a proxy that cannot be reached from a target that cannot', async () => {
      const absent = await networkError({ host: '127.0.0.1', port: 1 });
      assert.equal(absent.reason, 'proxy');
      assert.equal(absent.proxyStatus, undefined);
      assert.match(absent.message, /The proxy http:\/\/127\.0\.0\.1:1 cannot be reached: connect ECONNREFUSED/);
      const unknown = await networkError({ host: 'proxy.invalid', port: 1 });
      assert.equal(unknown.reason, 'proxy');
      assert.match(unknown.message, /cannot be reached: getaddrinfo/);
    });

    it('ends when the proxy cuts the connection', async () => {
      const proxy = await startProxy();
      proxy.behaviour = 'cut';
      const error = await networkError(proxy.options());
      assert.equal(error.reason, 'proxy');
      assert.match(error.message, /cannot be reached: socket hang up/);
    });

    it('ends when the proxy speaks no HTTP', async () => {
      const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')).listen(0, '127.0.0.1');
      await once(server, 'listening');
      try {
        const error = await networkError({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
        assert.equal(error.reason, 'proxy');
      } finally {
        server.close();
      }
    });

    it('ends when the proxy never answers, and leaves no connection', async () => {
      const proxy = await startProxy();
      proxy.behaviour = 'hang';
      const startedMs = performance.now();
      const client = microsoft.connect({ proxy: proxy.options(), timeoutMs: 300, retry: false });
      await assert.rejects(client.validateRequest(validation));
      assert.ok(performance.now() - startedMs < 2000);
      await client.close();
      await settled();
      assert.equal(proxy.openConnections, 0);
    });

    it('leaves no listener on the signal of the caller', async () => {
      const proxy = await startProxy();
      const { signal } = new AbortController();
      await microsoft.connect({ proxy: proxy.options() }).validateRequest({ ...validation, signal });
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    });

    it('refuses an https proxy whose certificate is not trusted, before it says a word to it', async () => {
      const proxy = await startProxy({
        identity: createServerIdentity(),
        credentials: { username: 'scep', password },
      });
      const error = await networkError(proxy.options());
      assert.equal(error.reason, 'proxy');
      assert.match(error.message, /cannot be reached: .*certificate/);
      assert.equal(proxy.targets.length, 0);
    });

    it('asks a proxy that refuses the password only once, and another one again', async () => {
      for (const [status, attempts] of [
        [407, 1],
        [403, 1],
        [502, 3],
      ] as const) {
        const proxy = await startProxy();
        proxy.behaviour = { status };
        const client = microsoft.connect({ proxy: proxy.options(), retry: { initialDelayMs: 1 } });
        await assert.rejects(client.validateRequest(validation), { proxyStatus: status, attempts });
        assert.equal(proxy.targets.length, attempts);
      }
    });

    it('closes at once although the proxy still hangs for a request that was given up', async () => {
      const proxy = await startProxy();
      proxy.behaviour = 'hang';
      const connections = new HttpConnections({
        tls: undefined,
        proxy: { protocol: 'http', host: '127.0.0.1', port: proxy.options().port, authorization: undefined },
        dispatcher: undefined,
        connectTimeoutMs: 60_000,
      });
      const request = { method: 'GET', url: new URL(microsoft.origin), headers: {}, secrets: {} } as const;
      const call = { activityId: 'a', signal: AbortSignal.timeout(50) };
      await assert.rejects(connections.send(request, call), { name: 'TimeoutError' });
      assert.equal(proxy.openConnections, 1);
      await connections.close();
      await settled();
      assert.equal(proxy.openConnections, 0);
      await assert.rejects(connections.send(request, call), { reason: 'closed' });
    });

    it('lets running requests finish before it closes', async () => {
      const connections = new HttpConnections({
        tls: { ca: identity.ca, client: undefined },
        proxy: undefined,
        dispatcher: undefined,
        connectTimeoutMs: 1000,
      });
      microsoft.answers.service = (response) => void setTimeout(() => response.end('late'), 100);
      const url = new URL(microsoft.serviceUrl);
      const call = { activityId: 'a', signal: new AbortController().signal };
      const answer = connections.send({ method: 'GET', url, headers: {}, secrets: {} }, call);
      await connections.close();
      assert.equal((await answer).status, 200);
      await settled();
      assert.equal(microsoft.openSockets, 0);
    });

    it('names the https proxy in its handshake, not the target', async () => {
      const proxyIdentity = createServerIdentity(['127.0.0.1']);
      const proxy = await startProxy({ identity: proxyIdentity });
      const origin = microsoft.origin.replace('127.0.0.1', 'localhost');
      const client = microsoft.connect({
        authority: origin,
        proxy: proxy.options(),
        tls: { ca: identity.ca + proxyIdentity.ca },
      });
      await client.validateRequest(validation);
      assert.ok(proxy.targets.includes(new URL(origin).host));
    });

    it("checks the https proxy's certificate for the proxy's own name, not the target's", async () => {
      const elsewhere = createServerIdentity(['proxy.contoso.com']);
      const proxy = await startProxy({ identity: elsewhere });
      const client = microsoft.connect({
        proxy: proxy.options(),
        tls: { ca: identity.ca + elsewhere.ca },
        retry: false,
      });
      const error = await rejection(client.validateRequest(validation));
      assert.ok(error instanceof IntuneNetworkError);
      assert.match(error.message, /127\.0\.0\.1 is not in the cert's list/);
      assert.equal(proxy.targets.length, 0);
    });
  });

  describe('options', () => {
    const wrong: [name: string, proxy: unknown, argument: string][] = [
      ['a URL', 'http://proxy:1', 'proxy'],
      ['null', null, 'proxy'],
      ['no host', { port: 1 }, 'proxy.host'],
      ['a host with a protocol', { host: 'http://proxy', port: 1 }, 'proxy.host'],
      ['a host with a port', { host: 'proxy:8080', port: 1 }, 'proxy.host'],
      ['a host with credentials', { host: 'user@proxy', port: 1 }, 'proxy.host'],
      ['a host with a line break', { host: 'proxy\r\nx', port: 1 }, 'proxy.host'],
      ['no port', { host: 'proxy' }, 'proxy.port'],
      ['a port in a string', { host: 'proxy', port: '8080' }, 'proxy.port'],
      ['port 0', { host: 'proxy', port: 0 }, 'proxy.port'],
      ['port 65536', { host: 'proxy', port: 65_536 }, 'proxy.port'],
      ['another protocol', { host: 'proxy', port: 1, protocol: 'socks5' }, 'proxy.protocol'],
      ['a password alone', { host: 'proxy', port: 1, password }, 'proxy.password'],
      ['a user with a colon', { host: 'proxy', port: 1, username: 'a:b', password }, 'proxy.username'],
      ['an empty user', { host: 'proxy', port: 1, username: '', password }, 'proxy.username'],
      [
        'a password with a line break',
        { host: 'proxy', port: 1, username: 'a', password: `${password}\n` },
        'proxy.password',
      ],
    ];
    for (const [name, proxy, argument] of wrong) {
      it(`refuses ${name}`, () => {
        assert.throws(
          () => microsoft.connect({ proxy: proxy as ProxyOptions }),
          (error) => {
            assert.ok(error instanceof IntuneArgumentError);
            assert.equal(error.argument, argument);
            assert.ok(!inspect(error).includes('CANARY'));
            return true;
          },
        );
      });
    }
  });
});
