import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SingleFlight } from '../../src/enrollment/single-flight.ts';

describe('single flight', () => {
  it('runs concurrent work on one key once, and tells who joins', async () => {
    const flights = new SingleFlight<number>();
    let runs = 0;
    let joined = 0;
    const work = async (): Promise<number> => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
      return runs;
    };
    const results = await Promise.all(Array.from({ length: 5 }, () => flights.run('a', work, () => (joined += 1))));
    assert.deepEqual(results, [1, 1, 1, 1, 1]);
    assert.equal(joined, 4);
  });

  it('gives a failure to all who joined, and the next one a new run', async () => {
    const flights = new SingleFlight<number>();
    const failing = async (): Promise<number> => {
      await Promise.resolve();
      throw new Error('once');
    };
    const outcomes = await Promise.allSettled([flights.run('a', failing), flights.run('a', failing)]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    assert.equal(await flights.run('a', () => Promise.resolve(7)), 7);
  });

  it('does not join other keys', async () => {
    const flights = new SingleFlight<string>();
    const echo = (key: string): Promise<string> => flights.run(key, () => Promise.resolve(key));
    assert.deepEqual(await Promise.all([echo('a'), echo('b')]), ['a', 'b']);
  });
});
