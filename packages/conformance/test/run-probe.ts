/** The probe as the tests run it: at once, without pauses. */
import { probe } from '../src/index.ts';
import type { CheckResult, ProbeOptions, ProbeReport } from '../src/index.ts';
import { randomBytes } from 'node:crypto';
import { newKeys } from './small-authority.ts';
import { rightChallenge } from './small-behaviour.ts';

/** Keys cost more than all the rest; enough of them that no check meets one twice. */
const pool = Array.from({ length: 12 }, () => newKeys());
let taken = 0;

async function nextKeys(): Promise<ReturnType<typeof newKeys>> {
  const keys = pool[taken % pool.length];
  taken += 1;
  if (keys === undefined) throw new Error('The pool is empty.');
  return keys;
}

export function runProbe(url: string, options: Partial<ProbeOptions> = {}): Promise<ProbeReport> {
  return probe({
    url,
    now: () => new Date(),
    randomBytes: (size) => Uint8Array.from(randomBytes(size)),
    challenge: { kind: 'static', challenge: rightChallenge },
    newKeys: nextKeys,
    intervalMs: 0,
    timeoutMs: 5_000,
    pollIntervalMs: 10,
    ...options,
  });
}

/** For messages of assertions. */
export function told({ id, saw, state }: CheckResult): string {
  return `${state} ${id}: ${saw}`;
}
