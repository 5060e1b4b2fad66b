/** A place to write text to, such as standard output. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Ctrl-C and termination, for a command that has something to put in order first. */
export interface Interruption {
  /** Aborted at the first request to stop. A second request ends the process at once. */
  readonly signal: AbortSignal;
  /** Gives the signals back to their usual meaning. */
  dispose(): void;
}

/** Everything outside the process that a command touches; `main.ts` alone makes the real one. */
export interface World {
  /** Of this program. */
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Paths that a person gives are relative to it. */
  readonly workingFolder: string;
  readonly processId: number;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
  readStdin(): Promise<string>;
  /** What a person answers to a question; undefined where there is nobody at a terminal. */
  askLine(question: string): Promise<string | undefined>;
  isProcessAlive(processId: number): boolean;
  takeInterruption(): Interruption;
}
