import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  IntuneCircuitOpenError,
  IntuneHttpError,
  IntuneNetworkError,
  type CircuitEvent,
  type DestinationName,
  type IntuneClient,
  type IntuneClientOptions,
  type IntuneEvent,
} from '../../src/index.ts';
import { disconnect, json, Microsoft, text, verdict, type Answer, type Operation } from '../microsoft.ts';
import { rejection, validation } from '../requests.ts';

describe('when a service is down', () => {
  let microsoft: Microsoft;
  let offsetMs: number;
  let circuits: CircuitEvent[];
  let client: IntuneClient;
  beforeEach(async () => {
    offsetMs = 0;
    circuits = [];
    microsoft = await Microsoft.start();
    client = connect();
  });
  afterEach(() => microsoft.stop());

  const connect = (changes: Partial<IntuneClientOptions> = {}): IntuneClient =>
    microsoft.connect({
      retry: false,
      circuitBreaker: { failureThreshold: 2, openMs: 30_000 },
      now: () => new Date(Date.now() + offsetMs),
      onEvent: (event: IntuneEvent) => void (event.type === 'circuit' && circuits.push(event)),
      ...changes,
    });
  const fail = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      await rejection(client.validateRequest(validation));
    }
  };

  const rows: [destination: DestinationName, operation: Operation][] = [
    ['entra', 'token'],
    ['graph', 'discovery'],
    ['scep', 'service'],
  ];
  for (const [destination, operation] of rows) {
    it(`calls fail at once, and nothing is sent to ${destination}`, async () => {
      microsoft.answers[operation] = text(503, 'down');
      await fail(2);
      const sent = microsoft.received.length;
      const error = await rejection(client.validateRequest(validation));
      assert.ok(error instanceof IntuneCircuitOpenError);
      assert.equal(error.destination, destination);
      assert.ok(error.retryAfterMs > 29_000 && error.retryAfterMs <= 30_000);
      assert.ok(error.cause instanceof IntuneHttpError);
      assert.equal(error.cause.status, 503);
      assert.equal(error.attempts, undefined);
      assert.equal(typeof error.activityId, 'string');
      assert.equal(microsoft.count(operation), 2);
      assert.equal(microsoft.received.length, sent);
    });
  }

  it('one call tries whether it is back, the others go on failing, and its success lets all through', async () => {
    await client.validateRequest(validation);
    microsoft.answers.service = text(500, '');
    await fail(2);
    microsoft.answers.service = (...call) => void setTimeout(() => verdict('Success')(...call), 30);
    offsetMs = 30_001;
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => client.validateRequest(validation)));
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'fulfilled' || outcome.reason instanceof IntuneCircuitOpenError);
    }
    assert.equal(microsoft.count('service'), 4);
    await Promise.all(Array.from({ length: 10 }, () => client.validateRequest(validation)));
    assert.deepEqual(
      circuits.map(({ destination, state }) => `${destination} ${state}`),
      ['scep open', 'scep halfOpen', 'scep closed'],
    );
    assert.equal(client.status().circuits.scep.state, 'closed');
  });

  it('a call that gives up while it tries lets the next one try', async () => {
    await client.validateRequest(validation);
    microsoft.answers.service = text(500, '');
    await fail(2);
    offsetMs = 30_001;
    microsoft.answers.service = () => {};
    const signal = AbortSignal.timeout(50);
    assert.equal(((await rejection(client.validateRequest({ ...validation, signal }))) as Error).name, 'TimeoutError');
    microsoft.answers.service = verdict('Success');
    await assert.doesNotReject(client.validateRequest(validation));
  });

  const failures: [name: string, answer: Answer][] = [
    ['cut connections', disconnect],
    ['500', text(500, '')],
    ['429', text(429, '')],
    ['no answer in time', () => {}],
  ];
  for (const [name, answer] of failures) {
    it(`is noticed by ${name}`, async () => {
      client = connect({ attemptTimeoutMs: 300 });
      await client.validateRequest(validation);
      microsoft.answers.service = answer;
      await fail(2);
      assert.equal(client.status().circuits.scep.state, 'open');
    });
  }

  const signsOfLife: [name: string, answer: Answer][] = [
    ['rejections', json(200, { code: 'ChallengeExpired' })],
    ['bad replies', text(200, '<html>')],
    ['400', text(400, '')],
    ['401', text(401, '')],
    ['403', text(403, '')],
    ['404', text(404, '')],
    ['huge bodies', text(200, 'x'.repeat(1024 * 1024 + 1))],
  ];
  for (const [name, answer] of signsOfLife) {
    it(`${name} are signs of life`, async () => {
      microsoft.answers.service = answer;
      await fail(5);
      assert.equal(client.status().circuits.scep.state, 'closed');
    });
  }

  it('a refused sign-in is a sign of life of Entra', async () => {
    microsoft.answers.token = json(401, { error: 'invalid_client', error_description: 'AADSTS7000215: no' });
    await fail(5);
    assert.equal(microsoft.count('token'), 5);
  });

  it('a Retry-After that no call could wait for opens the circuit for that time', async () => {
    microsoft.answers.service = text(503, '', { 'retry-after': '120' });
    await fail(1);
    const error = await rejection(client.validateRequest(validation));
    assert.ok(error instanceof IntuneCircuitOpenError);
    assert.ok(error.retryAfterMs > 115_000 && error.retryAfterMs <= 120_000);
    assert.equal(microsoft.count('service'), 1);
  });

  it('a Retry-After of a day does not mean that for a day nobody tries', async () => {
    microsoft.answers.service = text(503, '', { 'retry-after': '86400' });
    await fail(1);
    const { retryAfterMs = 0 } = client.status().circuits.scep;
    assert.ok(retryAfterMs <= 10 * 60_000);
  });

  it('the cool-down of downloads does not keep results from being uploaded', async () => {
    microsoft.nameRevocationService();
    microsoft.answers.revocation = (response, request, self) =>
      (request.path.endsWith('downloadRevocationRequests')
        ? text(429, '', { 'retry-after': '3600' })
        : json(200, { value: true }))(response, request, self);
    await assert.rejects(client.downloadRevocationRequests());
    const results = [{ requestContext: 'x', succeeded: true }] as const;
    await assert.doesNotReject(client.uploadRevocationResults({ transactionId: 'T', results }));
  });

  it('the repeats of one call end with its own failure', async () => {
    const stubborn = connect({ retry: { maximumRetries: 10, initialDelayMs: 1, maximumDelayMs: 1 } });
    microsoft.answers.service = disconnect;
    const error = await rejection(stubborn.validateRequest(validation));
    assert.ok(error instanceof IntuneNetworkError);
    assert.equal(error.attempts, 2);
  });

  it('everything is tried when the breaker is switched off', async () => {
    client = connect({ circuitBreaker: false });
    microsoft.answers.service = text(503, '', { 'retry-after': '120' });
    await fail(6);
    assert.equal(microsoft.count('service'), 6);
  });
});
