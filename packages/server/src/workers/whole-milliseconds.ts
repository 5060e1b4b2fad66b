/**
 * Makes the time of opening an envelope say nothing: it ends a whole number of milliseconds after it began. Which number
 * the main thread hides (`enrollment/sealed-answer.ts`); it cannot hide fractions, because the event loop sleeps for whole
 * milliseconds from whenever it was last woken (docs/decisions/0007-time-behind-the-envelope.md).
 */

/** Never changes, so that waiting for its change is sleeping. */
const never = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread for less than a millisecond. @param startedAt of `performance.now()` */
export function waitForWholeMillisecond(startedAt: number): void {
  const elapsedMs = performance.now() - startedAt;
  Atomics.wait(never, 0, 0, Math.ceil(elapsedMs) - elapsedMs);
}
