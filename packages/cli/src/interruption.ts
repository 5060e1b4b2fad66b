import type { Interruption } from './world.ts';

/** What of the process carries signals. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): never;
}

/**
 * npm forwards a Ctrl-C that the terminal has already delivered to the whole process group, so that one press arrives
 * twice. A person who presses again needs longer than this.
 */
const samePressMs = 400;

/**
 * Takes SIGINT and SIGTERM: the first asks for a clean stop, a later one ends the process with 130.
 *
 * @param clock milliseconds that only go forward.
 */
export function takeInterruption(process: SignalSource, clock: () => number): Interruption {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const listener = (): void => {
    if (firstAt === undefined) {
      firstAt = clock();
      controller.abort();
    } else if (clock() - firstAt > samePressMs) {
      process.exit(130);
    }
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    },
  };
}
