import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { IntuneCircuitOpenError } from '../../src/index.ts';
import { CircuitBreaker } from '../../src/resilience/circuit-breaker.ts';

const startMs = Date.parse('2026-11-22T10:00:00Z');
const failure = new Error('Intune answered HTTP 503');

describe('circuit breaker', () => {
  let nowMs: number;
  let changes: [state: string, retryAfterMs: number | undefined][];
  let breaker: CircuitBreaker;
  beforeEach(() => {
    nowMs = startMs;
    changes = [];
    breaker = newBreaker({ failureThreshold: 3, openMs: 30_000 });
  });

  const newBreaker = (options: { failureThreshold: number; openMs: number } | undefined): CircuitBreaker =>
    new CircuitBreaker({
      destination: 'scep',
      name: "Intune's SCEP service",
      options,
      now: () => new Date(nowMs),
      onChange: (state, retryAfterMs) => changes.push([state, retryAfterMs]),
    });
  const fail = (times = 1): void => {
    for (let time = 0; time < times; time += 1) {
      breaker.admit('id').failed(failure);
    }
  };
  const refusal = (): IntuneCircuitOpenError => {
    try {
      breaker.admit('activity');
    } catch (error) {
      assert.ok(error instanceof IntuneCircuitOpenError);
      return error;
    }
    return assert.fail('It was admitted');
  };

  it('opens after so many failures in a row, and says why', () => {
    fail(2);
    assert.equal(breaker.status.state, 'closed');
    fail();
    const error = refusal();
    assert.equal(error.code, 'intune.circuit_open');
    assert.equal(error.destination, 'scep');
    assert.equal(error.retryAfterMs, 30_000);
    assert.equal(error.cause, failure);
    assert.equal(error.activityId, 'activity');
    assert.match(error.message, /Intune's SCEP service .* 30 s\. .*: 3, the last: Intune answered HTTP 503$/);
    assert.deepEqual(changes, [['open', 30_000]]);
    assert.deepEqual(breaker.status, { state: 'open', failures: 3, retryAfterMs: 30_000 });
  });

  it('counts from one again after a sign of life', () => {
    fail(2);
    breaker.admit('id').succeeded();
    fail(2);
    assert.equal(breaker.status.state, 'closed');
    assert.equal(breaker.status.failures, 2);
  });

  it('does not count what nobody knows', () => {
    fail(2);
    breaker.admit('id').abandoned();
    assert.equal(breaker.status.failures, 2);
  });

  it('lets one request through when its time is over, and no second one meanwhile', () => {
    fail(3);
    nowMs += 29_999;
    assert.equal(refusal().retryAfterMs, 1);
    nowMs += 1;
    const probe = breaker.admit('probe');
    assert.equal(breaker.status.state, 'halfOpen');
    assert.ok(refusal().retryAfterMs > 0);
    probe.succeeded();
    assert.equal(breaker.status.state, 'closed');
    breaker.admit('id');
    breaker.admit('id');
    assert.deepEqual(
      changes.map(([state]) => state),
      ['open', 'halfOpen', 'closed'],
    );
  });

  it('opens again when the probe fails', () => {
    fail(3);
    nowMs += 30_000;
    breaker.admit('probe').failed(failure);
    assert.equal(refusal().retryAfterMs, 30_000);
  });

  it('lets the next one probe when the probe was given up', () => {
    fail(3);
    nowMs += 30_000;
    breaker.admit('probe').abandoned();
    breaker.admit('next').succeeded();
    assert.equal(breaker.status.state, 'closed');
  });

  it('opens at the first failure for as long as the service asks', () => {
    breaker.admit('id').failed(failure, 120_000);
    assert.equal(refusal().retryAfterMs, 120_000);
    nowMs += 119_999;
    refusal();
    nowMs += 1;
    breaker.admit('id');
  });

  it('does not listen to requests that were sent before it changed', () => {
    const late = [breaker.admit('1'), breaker.admit('2')];
    fail(3);
    late[0]?.succeeded();
    late[1]?.failed(failure);
    assert.equal(breaker.status.state, 'open');
    assert.equal(breaker.status.failures, 3);
  });

  it('takes only the first report of a request', () => {
    const admission = breaker.admit('id');
    admission.succeeded();
    admission.failed(failure, 1);
    assert.equal(breaker.status.state, 'closed');
  });

  it('does not stay open for longer when the clock is put back', () => {
    fail(3);
    nowMs -= 3_600_000;
    breaker.admit('id').succeeded();
    assert.equal(breaker.status.state, 'closed');
  });

  it('never opens when it is switched off', () => {
    breaker = newBreaker(undefined);
    fail(100);
    breaker.admit('id').failed(failure, 120_000);
    assert.deepEqual(changes, []);
    assert.equal(breaker.status.state, 'closed');
  });
});
