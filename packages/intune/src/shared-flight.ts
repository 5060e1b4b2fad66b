/** Lets everybody who asks while an operation is under way share it and its outcome, good or bad. */
export class SharedFlight<T> {
  #running: Promise<T> | undefined;

  join(start: () => Promise<T>): Promise<T> {
    this.#running ??= start().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
