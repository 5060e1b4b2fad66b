/**
 * Joins concurrent work on the same key: a device that sends its request twice at once must not make two certificates.
 * Within one process; between processes the store's unique constraints decide.
 */
export class SingleFlight<Result> {
  readonly #inFlight = new Map<string, Promise<Result>>();

  /** Runs `work`, or joins the run that is under way for `key`, whatever its outcome, and says so to `onJoin`. */
  async run(key: string, work: () => Promise<Result>, onJoin: () => void = () => undefined): Promise<Result> {
    const running = this.#inFlight.get(key);
    if (running !== undefined) {
      onJoin();
      return running;
    }
    const started = work().finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, started);
    return started;
  }
}
