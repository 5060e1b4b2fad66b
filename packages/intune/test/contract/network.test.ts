/** The contract with the network: names, certificates, redirects, a service that moves, waits that are asked for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import type { FaultOperation } from '@scepter/intune-emulator';
import { IntuneError, IntuneHttpError, IntuneNetworkError, IntuneTimeoutError } from '../../src/index.ts';
import { createServerIdentity } from '../tls-certificate.ts';
import { Desk, issued, ways, type Way } from './desk.ts';
import { calls } from './fault-rows.ts';
import type { ArrivedOperation } from './traffic.ts';

describe('the contract with the network', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.start();
    await desk.request();
    await desk.control.setRevocationCoolDown({ minutes: 0 });
  });
  after(() => desk.stop());

  for (const way of ways) {
    describe(way, () => {
      afterEach(() => desk.tidy());

      it('reports a name that does not exist, after repeats', async () => {
        const client = desk.connect({ graphUrl: 'https://graph.fabrikam.invalid', credential: anyToken }, way);
        const error = await desk.failure(calls.validateRequest(client, desk));
        assert.ok(error instanceof IntuneNetworkError);
        const expected = way === 'directly' ? ['dns', undefined] : ['proxy', 502];
        assert.deepEqual([error.reason, error.proxyStatus], expected);
        assert.equal(error.attempts, 3);
        assert.match(error.message, /graph\.fabrikam\.invalid/);
        assert.equal(typeof error.activityId, 'string');
      });

      it('refuses a certificate of another CA, at once and before anything is sent', async () => {
        const client = desk.connect({ tls: { ca: createServerIdentity().ca } }, way);
        const error = await desk.failure(calls.validateRequest(client, desk));
        assert.ok(error instanceof IntuneNetworkError);
        assert.equal(error.reason, 'tls');
        assert.match(error.message, /unable to verify .*; if its CA is your own .*name it in tls\.ca/);
        assert.equal(error.attempts, 1);
        assert.deepEqual(desk.traffic.counts(), {});
      });

      it('refuses a certificate for another host, at once and before anything is sent', async () => {
        const identity = createServerIdentity(['login.fabrikam.example']);
        const received: string[] = [];
        const server = createServer(identity, (request, response) => {
          received.push(request.url ?? '');
          response.end();
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        try {
          const authority = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
          const client = desk.connect({ authority, tls: { ca: identity.ca } }, way);
          const error = await desk.failure(calls.validateRequest(client, desk));
          assert.ok(error instanceof IntuneNetworkError);
          assert.equal(error.reason, 'tls');
          assert.equal(error.attempts, 1);
          assert.deepEqual(received, []);
        } finally {
          server.close();
        }
      });

      it('reports that nobody listens', async () => {
        const client = desk.connect({ authority: 'https://127.0.0.1:2' }, way);
        const error = await desk.failure(calls.validateRequest(client, desk));
        assert.ok(error instanceof IntuneNetworkError);
        assert.equal(error.reason, way === 'directly' ? 'refused' : 'proxy');
        assert.equal(error.attempts, 3);
      });

      const redirected = [
        ['token', 'validateRequest', 302],
        ['token', 'validateRequest', 307],
        ['discovery', 'validateRequest', 301],
        ['validateRequest', 'validateRequest', 302],
        ['validateRequest', 'validateRequest', 303],
        ['validateRequest', 'validateRequest', 307],
        ['successNotification', 'notifySuccess', 308],
        ['failureNotification', 'notifyFailure', 307],
        ['downloadRevocationRequests', 'downloadRevocationRequests', 307],
      ] as const;
      it('follows no redirect, so that no token goes where it leads', async () => {
        let visits = 0;
        const canary = createTcpServer((socket) => {
          visits += 1;
          socket.on('error', () => {}).destroy();
        });
        canary.listen(0, '127.0.0.1');
        await once(canary, 'listening');
        const location = `https://127.0.0.1:${(canary.address() as AddressInfo).port}/`;
        try {
          for (const [operation, call, status] of redirected) {
            await desk.control.clearFaults();
            await desk.setFault(operation, { kind: 'redirect', location, status });
            const error = await desk.failure(calls[call](desk.connect({}, way), desk));
            assert.ok(error instanceof IntuneHttpError, operation);
            assert.equal(error.status, status);
          }
          await desk.setFault('discovery', { kind: 'nextLink', location });
          await desk.failure(calls.validateRequest(desk.connect({}, way), desk));
          assert.equal(visits, 0);
        } finally {
          canary.close();
        }
      });

      it('finds a service that has moved within the same call, and remembers where', async () => {
        const client = desk.connect({}, way);
        await calls.validateRequest(client, desk);
        desk.traffic.clear();
        await desk.setFault('validateRequest', { kind: 'moved' });
        await calls.validateRequest(client, desk);
        assert.deepEqual(desk.traffic.counts(), { discovery: 1, validateRequest: 2 });
        assert.match(desk.traffic.of('validateRequest')[1]?.path ?? '', /\/Gateway2\//);
        await calls.notifySuccess(client, desk);
        assert.deepEqual(desk.traffic.counts(), { discovery: 1, validateRequest: 2, successNotification: 1 });
      });

      it('goes straight to the live one of two addresses once it is known', async () => {
        await desk.setFault('discovery', { kind: 'duplicateNames', deadFirst: true, dead: 'notFound' });
        const client = desk.connect({}, way);
        await calls.validateRequest(client, desk);
        desk.traffic.clear();
        await calls.validateRequest(client, desk);
        assert.deepEqual(desk.traffic.counts(), { validateRequest: 1 });
      });

      it('records a notification whose answer was lost once, however often it is sent', async () => {
        await desk.control.setFault({
          operation: 'successNotification',
          fault: { kind: 'disconnect' },
          afterProcessing: true,
          times: 2,
        });
        const request = await desk.newRequest();
        await desk.connect({}, way).notifySuccess({ ...request, ...issued });
        const recorded = (await desk.control.notifications()).filter(
          ({ transactionId }) => transactionId === request.transactionId,
        );
        assert.equal(recorded.length, 1);
        assert.equal(recorded[0]?.timesReceived, 3);
        assert.equal(desk.traffic.count('successNotification'), 3);
      });

      it('fails fast once Intune is down, and comes back by itself', async () => {
        let aheadMs = 0;
        const now = (): Date => new Date(Date.now() + aheadMs);
        const client = desk.connect({ now, retry: false, circuitBreaker: { failureThreshold: 3, openMs: 5000 } }, way);
        await calls.validateRequest(client, desk);
        await desk.setFault('validateRequest', { kind: 'html' });
        for (let failure = 0; failure < 3; failure += 1) {
          await desk.failure(calls.validateRequest(client, desk));
        }
        desk.traffic.clear();
        const error = await desk.failure(calls.validateRequest(client, desk));
        assert.ok(error instanceof IntuneError);
        assert.equal(error.code, 'intune.circuit_open');
        assert.deepEqual(desk.traffic.counts(), {});
        await desk.control.clearFaults();
        aheadMs = 5000;
        await calls.validateRequest(client, desk);
        assert.deepEqual(desk.traffic.counts(), { validateRequest: 1 });
      });
    });
  }

  describe('time', () => {
    const operations: [operation: FaultOperation & ArrivedOperation, call: keyof typeof calls, way: Way][] = [
      ['validateRequest', 'validateRequest', 'through a proxy'],
      ['successNotification', 'notifySuccess', 'directly'],
      ['failureNotification', 'notifyFailure', 'through a proxy'],
      ['downloadRevocationRequests', 'downloadRevocationRequests', 'directly'],
      ['uploadRevocationResults', 'uploadRevocationResults', 'through a proxy'],
    ];
    const slow = {
      'slow headers': { kind: 'slowHeaders', delayMs: 30_000 },
      'a slow body': { kind: 'slowBody', delayMs: 300, chunks: 64 },
    } as const;
    for (const [name, fault] of Object.entries(slow)) {
      // All at once, as each has a fault of its own: it is the waiting that takes time.
      describe(name, { concurrency: true }, () => {
        before(() => calls.uploadRevocationResults(desk.connect(), desk));
        after(() => desk.tidy());
        for (const [operation, call, way] of operations) {
          it(`${operation}: ${name}, ${way}`, async () => {
            const client = desk.connect({ attemptTimeoutMs: 400, retry: false }, way);
            await desk.setFault(operation, fault);
            const error = await desk.failure(calls[call](client, desk));
            assert.ok(error instanceof IntuneTimeoutError);
            assert.deepEqual([error.code, error.limit, error.timeoutMs], ['intune.timeout', 'attempt', 400]);
            assert.equal(error.attempts, 1);
          });
        }
      });
    }

    it('waits as long as Retry-After asks for', async () => {
      await desk.setFault('validateRequest', { kind: 'throttle', retryAfterSeconds: 1 }, 1);
      const client = desk.connect();
      const startedMs = performance.now();
      await calls.validateRequest(client, desk);
      assert.ok(performance.now() - startedMs >= 1000);
      assert.equal(desk.traffic.count('validateRequest'), 2);
    });
  });
});

/** For calls that should get no further than to Graph. */
const anyToken = {
  getToken: async () => ({ token: 'CANARY-token-of-another-credential', expiresOnTimestamp: Date.now() + 3_600_000 }),
};
