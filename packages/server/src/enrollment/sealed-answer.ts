/**
 * When the refusal of what is inside an envelope is begun: at fixed instants after the message came, not when the work is
 * done. How far the work got takes microseconds more or less, and whoever changes a captured envelope and measures must
 * not learn it. Fractions of a millisecond are hidden in the worker, by `workers/whole-milliseconds.ts`. Why both are
 * needed: docs/decisions/0007-time-behind-the-envelope.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Opening takes about one millisecond; the later instants are for a server under load. */
const INSTANTS_MS = [10, 100, 1_000] as const;

/**
 * Call it when the message comes, for its timers start now.
 *
 * @returns waits for the next instant
 */
export function newSealedAnswer(): () => Promise<void> {
  const startedAt = performance.now();
  const instants = INSTANTS_MS.map((instantMs) => sleep(instantMs, undefined, { ref: false }));
  return async () => {
    const elapsedMs = performance.now() - startedAt;
    await instants[INSTANTS_MS.findIndex((instantMs) => elapsedMs < instantMs)];
  };
}
