/** What became of one input, and what may not become of any. */

export interface Outcome {
  readonly accepted: boolean;
  /** The same for inputs that went the same way: where it was refused, or the shape of what was read. */
  readonly signature: string;
}

export type FindingKind = 'untyped_error' | 'broken_promise' | 'slow' | 'hang' | 'memory' | 'crash';

/** Something that no input may bring about. */
export class Finding extends Error {
  override readonly name = 'Finding';
  readonly kind: FindingKind;

  constructor(kind: FindingKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  /** The same for inputs that show the same fault. */
  get key(): string {
    return `${this.kind} ${this.message.replaceAll(/[0-9A-Fa-f]{6,}|\d+/g, '#').slice(0, 120)}`;
  }
}

/** What an invariant says, broken. */
export function promise(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Finding('broken_promise', what);
}

/** A refusal, whose signature is only made when somebody asks, for it takes longer than most refusals. */
export class Refusal implements Outcome {
  readonly accepted = false;
  readonly error: Error;

  constructor(error: Error) {
    this.error = error;
  }

  /** The code of the error and where it comes from: of an error with causes, the innermost one. */
  get signature(): string {
    let innermost = this.error;
    while (innermost.cause instanceof Error) innermost = innermost.cause;
    const code = 'code' in innermost ? String(innermost.code) : innermost.name;
    return `${code} ${innermost.stack ?? ''}`;
  }
}

export type Attempt<T> = { readonly accepted: true; readonly value: T } | Refusal;

type ErrorClass = abstract new (...parameters: never[]) => Error;

/** Runs a decoder that may refuse with errors of these classes and with no others. */
export function attempt<T>(decode: () => T, ...refusals: readonly ErrorClass[]): Attempt<T> {
  try {
    return { accepted: true, value: decode() };
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (error instanceof Error && refusals.some((refusal) => error instanceof refusal)) {
      return new Refusal(error);
    }
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new Finding('untyped_error', text, { cause: error });
  }
}

interface CallSite {
  getFunctionName(): string | null;
  getPosition(): number;
}

/** Makes `stack` a short list of positions, which costs a fraction of the usual text. Of this thread, from now on. */
export function useShortStacks(): void {
  Error.prepareStackTrace = (_error, sites) =>
    (sites as unknown as CallSite[])
      .slice(0, 8)
      .map((site) => `${site.getFunctionName() ?? ''}:${site.getPosition()}`)
      .join(' ');
}

/** 0, 1, 2, then powers of two: what differs in count alone is soon nothing new. */
export function bucket(count: number): number {
  return count < 3 ? count : 1 + Math.ceil(Math.log2(count));
}
