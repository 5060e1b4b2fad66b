import { setTimeout as sleep } from 'node:timers/promises';

/** Waits, or returns early when one of the signals is aborted; the caller looks which. */
export async function wait(delayMs: number, signals: readonly AbortSignal[]): Promise<void> {
  const controller = new AbortController();
  const wake = (): void => controller.abort();
  for (const signal of signals) {
    signal.addEventListener('abort', wake, { once: true });
  }
  try {
    if (!signals.some(({ aborted }) => aborted)) {
      await sleep(delayMs, undefined, { signal: controller.signal });
    }
  } catch {
    // Woken: sleep rejects for no other reason.
  } finally {
    for (const signal of signals) {
      signal.removeEventListener('abort', wake);
    }
  }
}
