import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newSealedAnswer } from '../../src/enrollment/sealed-answer.ts';

async function answeredAfter(workMs: number): Promise<number> {
  const startedAt = performance.now();
  const due = newSealedAnswer();
  while (performance.now() - startedAt < workMs);
  await due();
  return performance.now() - startedAt;
}

describe('the refusal of what is inside an envelope', () => {
  it('is begun at the same instant, whether the work took one millisecond or eight', async () => {
    for (const workMs of [0.1, 1, 3.5, 8]) assert.ok((await answeredAfter(workMs)) >= 9, `${workMs}`);
  });

  it('is begun at a later instant when the first one is over', async () => {
    for (const workMs of [12, 40]) assert.ok((await answeredAfter(workMs)) >= 99, `${workMs}`);
  });
});
