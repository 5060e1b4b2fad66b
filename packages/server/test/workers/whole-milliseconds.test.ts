import assert from 'node:assert/strict';
import { it } from 'node:test';
import { waitForWholeMillisecond } from '../../src/workers/whole-milliseconds.ts';

it('opening an envelope ends a whole number of milliseconds after it began', () => {
  for (const workMs of [0.1, 0.5, 1.2]) {
    // Somebody else may take the processor just then: of some attempts, the best one counts.
    const lateness = Array.from({ length: 100 }, () => {
      const startedAt = performance.now();
      while (performance.now() - startedAt < workMs);
      waitForWholeMillisecond(startedAt);
      return performance.now() - startedAt - Math.ceil(workMs);
    });
    assert.ok(Math.min(...lateness) >= -0.05, `${Math.min(...lateness)}`);
    assert.ok(Math.min(...lateness) < 0.5, `${Math.min(...lateness)}`);
  }
});
