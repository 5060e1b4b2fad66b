/** Work that comes round: one run at a time, the next one only when the last is over. */

export interface Repeated {
  /** Runs now, or as soon as the run in progress is over. */
  poke(): void;
  /** No further run; the one in progress is told to end, and this resolves when it has. */
  stop(): Promise<void>;
}

/** Repeats `work` every `intervalMs`, and hands what it throws to `onError`: scheduled work never ends the process. */
export function repeat(
  intervalMs: number,
  work: (signal: AbortSignal) => Promise<void>,
  onError: (error: unknown) => void,
): Repeated {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  const run = (): void => {
    if (running !== undefined) {
      again = true;
      return;
    }
    clearTimeout(timer);
    running = work(stopping.signal)
      .catch(onError)
      .finally(() => {
        running = undefined;
        if (stopping.signal.aborted) return;
        timer = setTimeout(run, again ? 0 : intervalMs);
        again = false;
      });
  };
  timer = setTimeout(run, intervalMs);
  return {
    poke: () => {
      if (!stopping.signal.aborted) run();
    },
    stop: async () => {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
