import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AttemptLimiter } from '../src/attempt-limiter.ts';

function open(options: { attempts?: number; windowMs?: number; keys?: number } = {}) {
  let instant = 1_000_000;
  const limiter = new AttemptLimiter({
    attempts: 3,
    windowMs: 1000,
    keys: 100,
    now: () => new Date(instant),
    ...options,
  });
  return { limiter, advanceMs: (durationMs: number) => void (instant += durationMs) };
}

describe('AttemptLimiter', () => {
  it('lets so many attempts through, and says once when they are used up', () => {
    const { limiter } = open();
    const seen = Array.from({ length: 5 }, () => [limiter.isOver('a'), limiter.count('a')]);
    assert.deepEqual(seen, [
      [false, false],
      [false, false],
      [false, true],
      [true, false],
      [true, false],
    ]);
  });

  it('keeps those who are unlike apart', () => {
    const { limiter } = open({ attempts: 1 });
    limiter.count('a');
    assert.deepEqual([limiter.isOver('a'), limiter.isOver('b')], [true, false]);
  });

  it('slides: each attempt is forgotten when its own time is over', () => {
    const { limiter, advanceMs } = open();
    for (let index = 0; index < 3; index += 1) {
      limiter.count('a');
      advanceMs(300);
    }
    assert.equal(limiter.isOver('a'), true);
    advanceMs(100);
    assert.equal(limiter.isOver('a'), false, 'the first one is a second old');
    assert.equal(limiter.count('a'), true);
    assert.equal(limiter.isOver('a'), true);
  });

  it('remembers no more than it may, and forgets whoever has been quiet for longest', () => {
    const { limiter } = open({ attempts: 1, keys: 10 });
    for (let index = 0; index < 10; index += 1) limiter.count(`client ${index}`);
    limiter.count('client 0');
    for (let index = 10; index < 1000; index += 1) {
      if (index < 19) limiter.count(`client ${index}`);
      assert.ok(limiter.size <= 10);
    }
    assert.equal(limiter.isOver('client 0'), true);
    assert.equal(limiter.isOver('client 1'), false);
  });

  it('does not grow with the attempts of one', () => {
    const { limiter, advanceMs } = open({ windowMs: 1_000_000 });
    for (let index = 0; index < 10_000; index += 1) {
      limiter.count('a');
      advanceMs(1);
    }
    advanceMs(1_000_000 - 2);
    assert.equal(limiter.isOver('a'), false, 'of all attempts, the last three are remembered');
  });
});
