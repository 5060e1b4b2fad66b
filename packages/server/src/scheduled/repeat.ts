/** Work that comes round: one run at a time, the next one only when the last is over. */

export interface Repeated {
  /** Runs now, or as soon as the run in progress is over. */
  poke(): void;
  /** No further run; resolves when the one in progress is over. */
  stop(): Promise<void>;
}

/** Repeats `work` every `intervalMs`, and hands what it throws to `onError`: scheduled work never ends the process. */
export function repeat(intervalMs: number, work: () => Promise<void>, onError: (error: unknown) => void): Repeated {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = false;

  const run = (): void => {
    if (running !== undefined) {
      again = true;
      return;
    }
    clearTimeout(timer);
    running = work()
      .catch(onError)
      .finally(() => {
        running = undefined;
        if (stopped) return;
        timer = setTimeout(run, again ? 0 : intervalMs);
        again = false;
      });
  };
  timer = setTimeout(run, intervalMs);
  return {
    poke: () => {
      if (!stopped) run();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
