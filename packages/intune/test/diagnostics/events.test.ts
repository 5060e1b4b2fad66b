import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { IntuneEvent } from '../../src/index.ts';
import { disconnect, json, Microsoft, text, verdict } from '../microsoft.ts';
import { rejection, success, until, validation } from '../requests.ts';

describe('events', () => {
  let microsoft: Microsoft;
  let events: IntuneEvent[];
  const onEvent = (event: IntuneEvent): void => void events.push(event);
  beforeEach(async () => {
    events = [];
    microsoft = await Microsoft.start();
  });
  afterEach(() => microsoft.stop());

  it('tell a first call: sign-in, discovery, sign-in, operation, and the call', async () => {
    const { activityId } = await microsoft.connect({ onEvent }).validateRequest(validation);
    const host = new URL(microsoft.origin).host;
    const attempt = { type: 'attempt', host, activityId, attempt: 1, status: 200, outcome: 'success' };
    const seen = events.map((event) => {
      const { durationMs, expiresAt, ...rest } = { ...event } as Partial<Record<string, unknown>>;
      assert.ok(durationMs === undefined || (typeof durationMs === 'number' && durationMs >= 0));
      assert.ok(expiresAt === undefined || expiresAt instanceof Date);
      return rest;
    });
    assert.deepEqual(seen, [
      { ...attempt, destination: 'entra', operation: 'token' },
      { type: 'token', destination: 'graph', background: false },
      { ...attempt, destination: 'graph', operation: 'discovery' },
      { type: 'location', serviceName: 'ScepRequestValidationFEService', host, background: false },
      { ...attempt, destination: 'entra', operation: 'token' },
      { type: 'token', destination: 'intune', background: false },
      { ...attempt, destination: 'scep', operation: 'validateRequest' },
      {
        type: 'call',
        operation: 'validateRequest',
        activityId,
        transactionId: validation.transactionId,
        attempts: 1,
        outcome: 'success',
      },
    ]);
  });

  it('tell each attempt with its outcome, and each wait', async () => {
    const client = microsoft.connect({ onEvent });
    await client.validateRequest(validation);
    events.length = 0;
    microsoft.answerNext('service', text(503, ''), disconnect);
    await client.notifySuccess(success);
    const seen = events
      .filter(({ type }) => type === 'attempt' || type === 'retry' || type === 'call')
      .map((event) => [
        event.type,
        'operation' in event ? event.operation : '',
        'outcome' in event ? event.outcome : '',
      ]);
    assert.deepEqual(seen, [
      ['attempt', 'notifySuccess', 'intune.http'],
      ['retry', 'notifySuccess', 'intune.http'],
      ['attempt', 'notifySuccess', 'intune.network'],
      ['retry', 'notifySuccess', 'intune.network'],
      ['attempt', 'discovery', 'success'],
      ['attempt', 'notifySuccess', 'success'],
      ['call', 'notifySuccess', 'success'],
    ]);
    const numbers = events.flatMap((event) =>
      event.type === 'attempt' && event.operation === 'notifySuccess' ? [event.attempt] : [],
    );
    assert.deepEqual(numbers, [1, 2, 3]);
    assert.equal(events.find((event) => event.type === 'call')?.attempts, 3);
  });

  it('tell what Intune answered instead of Success', async () => {
    microsoft.answers.service = verdict('ChallengeExpired');
    await rejection(microsoft.connect({ onEvent }).validateRequest(validation));
    const call = events.find((event) => event.type === 'call');
    assert.equal(call?.outcome, 'intune.rejected');
    assert.equal(call.resultCode, 'ChallengeExpired');
    assert.equal(call.attempts, 1);
  });

  it('tell failures by their code', async () => {
    microsoft.answers.token = json(401, { error: 'invalid_client', error_description: 'AADSTS7000215: no' });
    await rejection(microsoft.connect({ onEvent }).validateRequest(validation));
    const call = events.find((event) => event.type === 'call');
    assert.equal(call?.outcome, 'intune.authentication');
  });

  it("tell the caller's abort", async () => {
    microsoft.answers.service = () => {};
    const signal = AbortSignal.timeout(100);
    await rejection(microsoft.connect({ onEvent }).validateRequest({ ...validation, signal }));
    await until(() => events.some(({ type }) => type === 'call'));
    assert.equal(events.find((event) => event.type === 'call')?.outcome, 'aborted');
    assert.equal(events.findLast((event) => event.type === 'attempt')?.outcome, 'aborted');
  });

  const hooks: [name: string, hook: () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('hook');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('hook'))],
  ];
  for (const [name, hook] of hooks) {
    it(`do no harm when the hook ${name}`, async () => {
      await assert.doesNotReject(microsoft.connect({ onEvent: hook }).validateRequest(validation));
    });
  }

  it('are published on diagnostics channels, to those who subscribe', async () => {
    const published: unknown[] = [];
    const listen = (message: unknown): void => void published.push(message);
    const names = ['call', 'attempt', 'retry', 'token', 'location', 'circuit'].map((type) => `scepter:intune:${type}`);
    names.forEach((name) => subscribe(name, listen));
    try {
      await microsoft.connect({ onEvent }).validateRequest(validation);
    } finally {
      names.forEach((name) => unsubscribe(name, listen));
    }
    assert.equal(published.length, 8);
    assert.deepEqual(published, events);
  });

  it('hold no secret', async () => {
    microsoft.answerNext('service', disconnect, text(500, 'x'));
    await microsoft.connect({ onEvent }).validateRequest(validation);
    assert.doesNotMatch(JSON.stringify(events), /CANARY/);
  });
});
