import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  IntuneAuthenticationError,
  IntuneHttpError,
  IntuneNetworkError,
  IntuneTimeoutError,
  type IntuneEvent,
} from '../../src/index.ts';
import { deadAddress, disconnect, json, Microsoft, text, type Answer, type Operation } from '../microsoft.ts';
import { failure, rejection, success, until, validation } from '../requests.ts';

const operations: Operation[] = ['token', 'discovery', 'service'];
const never: Answer = () => {};

describe('repeats', () => {
  let microsoft: Microsoft;
  let events: IntuneEvent[];
  const onEvent = (event: IntuneEvent): void => void events.push(event);
  beforeEach(async () => {
    events = [];
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  const transient: [name: string, answer: Answer][] = [
    ['429', text(429, '')],
    ['503', text(503, '')],
    ['500', text(500, '')],
    ['HTML 502', text(502, '<html>')],
    ['504', text(504, '')],
    ['408', text(408, '')],
    ['a cut connection', disconnect],
    [
      'a cut body',
      (response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"code":', () => response.socket?.destroy());
      },
    ],
    ['an answer that does not come in time', never],
  ];
  for (const operation of operations) {
    for (const [name, answer] of transient) {
      it(`survives ${name} of ${operation}, twice`, async () => {
        microsoft.answerNext(operation, answer, answer);
        await microsoft.connect({ attemptTimeoutMs: 100, onEvent }).validateRequest(validation);
        assert.equal(microsoft.count(operation), operation === 'token' ? 4 : 3);
        assert.equal(events.filter(({ type }) => type === 'retry').length, 2);
      });
    }

    it(`gives up after the third failure of ${operation} in a row`, async () => {
      microsoft.answers[operation] = text(503, 'busy');
      const error = await rejection(microsoft.connect().validateRequest(validation));
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.status, 503);
      assert.equal(error.attempts, 3);
      assert.equal(microsoft.count(operation), 3);
    });
  }

  it('repeats notifications under the same transaction and activity id', async () => {
    const client = microsoft.connect();
    await client.validateRequest(validation);
    microsoft.received.splice(0);
    microsoft.answerNext('service', text(500, ''), disconnect);
    const { activityId } = await client.notifySuccess(success);
    assert.equal(microsoft.count('service'), 3);
    assert.equal(
      new Set(microsoft.received.filter(({ operation }) => operation === 'service').map(({ body }) => body)).size,
      1,
    );
    assert.ok(microsoft.received.every(({ headers }) => headers['client-request-id'] === activityId));
  });

  const once: [name: string, operation: Operation, answer: Answer][] = [
    ['a rejection', 'service', json(200, { code: 'ChallengeExpired' })],
    ['a bad reply', 'service', text(200, '<html>')],
    ['400', 'service', text(400, '')],
    ['403', 'service', text(403, '')],
    ['501', 'service', text(501, '')],
    ['a refused sign-in', 'token', json(401, { error: 'invalid_client', error_description: 'AADSTS7000222: expired' })],
    ['403 of Graph', 'discovery', text(403, '')],
  ];
  for (const [name, operation, answer] of once) {
    it(`asks once for ${name}`, async () => {
      microsoft.answers[operation] = answer;
      await assert.rejects(microsoft.connect().validateRequest(validation));
      assert.equal(microsoft.count(operation), 1);
    });
  }

  it('does not repeat at all when told so', async () => {
    microsoft.answers.service = text(503, '');
    await assert.rejects(microsoft.connect({ retry: false }).validateRequest(validation), { attempts: 1 });
    assert.equal(microsoft.count('service'), 1);
  });

  describe('of a download, which must not be answered twice', () => {
    const rows: [name: string, answer: Answer, requests: number][] = [
      ['is repeated after 503', text(503, ''), 2],
      ['is repeated after 429 without Retry-After', text(429, ''), 2],
      ['is not repeated after a cut connection', disconnect, 1],
      ['is not repeated after 500', text(500, ''), 1],
      ['is not repeated after an attempt out of time', never, 1],
    ];
    for (const [name, answer, requests] of rows) {
      it(name, async () => {
        microsoft.nameRevocationService();
        microsoft.answerNext('revocation', answer);
        const client = microsoft.connect({ attemptTimeoutMs: 200 });
        await client.downloadRevocationRequests().catch(() => {});
        assert.equal(microsoft.count('revocation'), requests);
      });
    }
  });

  describe('Retry-After', () => {
    it('is waited for', async () => {
      // Half a second before the full second that the header names.
      const now = new Date('2026-11-22T10:00:00.900Z');
      const until = 'Sun, 22 Nov 2026 10:00:01 GMT';
      microsoft.answerNext('service', (response) => {
        response.sendDate = false;
        response.writeHead(429, { 'retry-after': until }).end();
      });
      const client = microsoft.connect({ now: () => now, onEvent, random: () => 0 });
      await client.validateRequest(validation);
      const retry = events.find((event) => event.type === 'retry');
      assert.equal(retry?.retryInMs, 100);
    });

    it('that outlasts the call ends it at once', async () => {
      microsoft.answers.service = text(429, '', { 'retry-after': '5' });
      const startedMs = performance.now();
      const error = await rejection(microsoft.connect({ timeoutMs: 4000 }).validateRequest(validation));
      assert.ok(error instanceof IntuneHttpError);
      assert.equal(error.retryAfterMs, 5000);
      assert.equal(error.attempts, 1);
      assert.equal(microsoft.count('service'), 1);
      assert.ok(performance.now() - startedMs < 2000);
    });
  });

  describe('while waiting', () => {
    const patient = { initialDelayMs: 60_000, maximumDelayMs: 60_000 };

    it("end at once with the caller's reason", async () => {
      microsoft.answers.service = text(503, '');
      const controller = new AbortController();
      const client = microsoft.connect({ retry: patient, timeoutMs: 100_000, onEvent, random: () => 0.9 });
      const call = rejection(client.validateRequest({ ...validation, signal: controller.signal }));
      await until(() => events.some(({ type }) => type === 'retry'));
      const reason = new Error('The device has gone');
      controller.abort(reason);
      assert.equal(await call, reason);
    });

    it('end at once when the client is closed', async () => {
      microsoft.answers.service = text(503, '');
      const client = microsoft.connect({ retry: patient, timeoutMs: 100_000, onEvent, random: () => 0.9 });
      const call = rejection(client.validateRequest(validation));
      await until(() => events.some(({ type }) => type === 'retry'));
      await client.close();
      const error = await call;
      assert.ok(error instanceof IntuneNetworkError);
      assert.equal(error.reason, 'closed');
      assert.ok(error.cause instanceof IntuneHttpError);
    });
  });

  it('let a call that is running finish when the client is closed, from sign-in to the answer', async () => {
    const client = microsoft.connect();
    const call = client.validateRequest(validation);
    await until(() => microsoft.count('token') === 1);
    await client.close();
    await assert.doesNotReject(call);
  });

  it('and sign-ins that nobody waits for any more do not keep a client from closing', async () => {
    microsoft.answers.token = never;
    const client = microsoft.connect({ timeoutMs: 100_000, attemptTimeoutMs: 100_000 });
    const signal = AbortSignal.timeout(50);
    await rejection(client.validateRequest({ ...validation, signal }));
    const startedMs = performance.now();
    await client.close();
    assert.ok(performance.now() - startedMs < 2000);
  });

  describe('one attempt', () => {
    it('has a limit of its own, and says so', async () => {
      microsoft.answers.service = never;
      const error = await rejection(
        microsoft
          .connect({ attemptTimeoutMs: 50, retry: { maximumRetries: 1, initialDelayMs: 1 } })
          .validateRequest(validation),
      );
      assert.ok(error instanceof IntuneTimeoutError);
      assert.equal(error.limit, 'attempt');
      assert.equal(error.timeoutMs, 50);
      assert.equal(error.attempts, 2);
    });

    it('ends with the call', async () => {
      microsoft.answers.service = never;
      const error = await rejection(
        microsoft.connect({ timeoutMs: 250, attemptTimeoutMs: 200 }).validateRequest(validation),
      );
      assert.ok(error instanceof IntuneTimeoutError);
      assert.equal(error.limit, 'call');
      assert.equal(error.timeoutMs, 250);
    });
  });

  it('are not made for a credential of the caller, which has rules of its own', async () => {
    let asked = 0;
    const getToken = async (): Promise<never> => {
      asked += 1;
      throw new Error('no network');
    };
    const error = await rejection(microsoft.connect({ credential: { getToken } }).validateRequest(validation));
    assert.ok(error instanceof IntuneAuthenticationError);
    assert.equal(asked, 1);
  });

  it('are not multiplied by the steps of a call', async () => {
    const client = microsoft.connect({ circuitBreaker: false });
    await client.validateRequest(validation);
    microsoft.answers.token = text(503, '');
    microsoft.answers.service = text(401, '');
    await assert.rejects(client.notifyFailure(failure), { attempts: 3 });
    assert.equal(microsoft.count('token'), 2 + 3);
    assert.equal(microsoft.count('service'), 2);
  });

  it('count the attempts of a connection that is refused', async () => {
    const authority = await deadAddress();
    const error = await rejection(microsoft.connect({ authority }).validateRequest(validation));
    assert.ok(error instanceof IntuneNetworkError);
    assert.equal(error.reason, 'refused');
    assert.equal(error.attempts, 3);
  });
});
