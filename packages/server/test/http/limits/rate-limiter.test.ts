import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RateLimiter } from '../../../src/http/limits/rate-limiter.ts';
import { RequestLimits } from '../../../src/http/limits/request-limits.ts';
import { SparseReports } from '../../../src/http/limits/sparse-reports.ts';

let nowMs = 0;
const monotonicMs = (): number => nowMs;

function takes(limiter: RateLimiter, key: string, times: number): number {
  return Array.from({ length: times }, () => limiter.take(key)).filter((waitMs) => waitMs === 0).length;
}

describe('RateLimiter', () => {
  it('lets a burst through at once, and then as many as come back in time', () => {
    const limiter = new RateLimiter({ perMinute: 60, burst: 10, keys: 100, monotonicMs });
    assert.equal(takes(limiter, 'a', 50), 10);
    nowMs += 3_000;
    assert.equal(takes(limiter, 'a', 50), 3);
    nowMs += 3_600_000;
    assert.equal(takes(limiter, 'a', 50), 10, 'a bucket is never more than full');
  });

  it('says how long to wait, and whoever waits so long gets through', () => {
    const limiter = new RateLimiter({ perMinute: 7, burst: 1, keys: 100, monotonicMs });
    assert.equal(limiter.take('a'), 0);
    for (let round = 0; round < 100; round += 1) {
      const waitMs = limiter.take('a');
      assert.ok(waitMs > 0 && waitMs <= 60_000 / 7 + 1, `${waitMs}`);
      nowMs += waitMs;
      assert.equal(limiter.take('a'), 0, `round ${round}`);
    }
  });

  it('takes nothing for what it refuses', () => {
    const limiter = new RateLimiter({ perMinute: 60, burst: 1, keys: 100, monotonicMs });
    takes(limiter, 'a', 1000);
    nowMs += 1_000;
    assert.equal(limiter.take('a'), 0);
  });

  it('counts each key for itself', () => {
    const limiter = new RateLimiter({ perMinute: 60, burst: 5, keys: 100, monotonicMs });
    takes(limiter, 'a', 100);
    assert.equal(takes(limiter, 'b', 100), 5);
  });

  it('remembers no more keys than it may, and forgets the longest quiet', () => {
    const limiter = new RateLimiter({ perMinute: 60, burst: 5, keys: 100, monotonicMs });
    takes(limiter, 'busy', 5);
    for (let attacker = 0; attacker < 1_000_000; attacker += 1) {
      limiter.take(`attacker ${attacker}`);
      if (attacker % 10 === 0) nowMs += 1;
      if (attacker % 50 === 0) assert.ok(limiter.take('busy') >= 0);
    }
    assert.ok(limiter.size <= 100, `${limiter.size}`);
    assert.ok(limiter.take('busy') > 0 || limiter.take('busy') > 0, 'who keeps coming is not forgotten');
  });

  it('forgets all full buckets when it needs room', () => {
    const limiter = new RateLimiter({ perMinute: 60, burst: 5, keys: 100, monotonicMs });
    for (let key = 0; key < 100; key += 1) limiter.take(`${key}`);
    nowMs += 60_000;
    limiter.take('one more');
    assert.equal(limiter.size, 1);
  });
});

describe('RequestLimits', () => {
  const client = { text: '192.0.2.1', group: '192.0.2.1' };

  it('asks the client first: what one is refused takes nothing from the others', () => {
    const limits = new RequestLimits({
      requestsPerMinute: 600,
      requestsPerMinutePerAddress: 60,
      requestBurstPerAddress: 10,
      monotonicMs,
    });
    const refusals = Array.from({ length: 1000 }, () => limits.admit(client, { overall: true }));
    assert.equal(refusals.filter((refusal) => refusal === undefined).length, 10);
    assert.ok(refusals.slice(10).every((refusal) => refusal?.whose === 'client'));
    const others = Array.from({ length: 200 }, (_, index) =>
      limits.admit({ text: `${index}`, group: `${index}` }, { overall: true }),
    );
    assert.equal(others.filter((refusal) => refusal === undefined).length, 90, 'a sixth of 600, without the ten');
    assert.ok(others.slice(90).every((refusal) => refusal?.whose === 'overall'));
    assert.equal(limits.admit({ text: 'supervisor', group: 'supervisor' }, { overall: false }), undefined);
  });

  it('sends those it refuses at one moment back at different ones, none too early', () => {
    const limits = new RequestLimits({
      requestsPerMinute: 600,
      requestsPerMinutePerAddress: 20,
      requestBurstPerAddress: 1,
      monotonicMs,
    });
    limits.admit(client, { overall: true });
    const seconds = Array.from(
      { length: 100 },
      () => limits.admit(client, { overall: true })?.retryAfterSeconds ?? Number.NaN,
    );
    assert.ok(
      seconds.every((each) => Number.isInteger(each) && each >= 3),
      seconds.join(),
    );
    assert.equal(new Set(seconds).size, 8);
  });
});

describe('SparseReports', () => {
  it('tells of each thing once in a while, and of no more things than it may', () => {
    const reports = new SparseReports({ everyMs: 60_000, keys: 3, monotonicMs });
    assert.equal(reports.isDue('a'), true);
    assert.equal(reports.isDue('a'), false);
    assert.equal(reports.isDue('b'), true);
    assert.equal(reports.isDue('c'), true);
    assert.equal(reports.isDue('d'), false);
    nowMs += 60_000;
    assert.equal(reports.isDue('d'), true);
    assert.equal(reports.isDue('a'), true);
  });
});
