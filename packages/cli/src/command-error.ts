/** A failure that the person at the terminal can act on: one sentence, and what to do about it. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly hint: string | undefined;
  /** 1: it did not work; 2: it was asked wrongly; 3: it is not decided yet. */
  readonly exitCode: 1 | 2 | 3;

  constructor(message: string, details: { hint?: string; exitCode?: 1 | 2 | 3; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.hint = details.hint;
    this.exitCode = details.exitCode ?? 1;
  }
}

/** A wrong option or argument. */
export function usageError(message: string, hint?: string): CommandError {
  return new CommandError(message, { exitCode: 2, ...(hint === undefined ? {} : { hint }) });
}
