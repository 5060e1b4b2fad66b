import type { InputKind } from '../mutation/mutator.ts';
import type { Outcome } from '../outcome.ts';

/** One place where bytes from outside come in. */
export interface Target {
  readonly name: string;
  /** What it decodes, in some words. */
  readonly description: string;
  readonly inputKind: InputKind;
  /** Folders below `corpus/`; default: its own name. */
  readonly corpora?: readonly string[];
  /** Longer executions are findings. Default: 100. */
  readonly slowMs?: number;
  open(): OpenTarget | Promise<OpenTarget>;
}

export interface OpenTarget {
  /** Throws a Finding, or anything at all, when an invariant does not hold. */
  execute(input: Uint8Array): Outcome | Promise<Outcome>;
  /** Further inputs to begin with, such as those that need the keys of this run. */
  readonly seeds?: readonly Uint8Array[];
  /** Asked now and then, and at the end: what can only be seen from a distance. */
  check?(): Promise<void>;
  close?(): Promise<void>;
}
