/** The loop: choose, change, execute, keep what went a new way. */
import { parseBer } from './mutation/ber-tree.ts';
import type { BerNode } from './mutation/ber-tree.ts';
import type { BerInput } from './mutation/ber-mutations.ts';
import { mutate } from './mutation/mutator.ts';
import type { InputKind } from './mutation/mutator.ts';
import type { Random } from './mutation/random.ts';
import { Coverage } from './coverage.ts';
import { minimize } from './minimize.ts';
import { Finding } from './outcome.ts';
import type { FindingKind, Outcome } from './outcome.ts';
import type { OpenTarget, Target } from './targets/target.ts';

export interface FuzzerOptions {
  readonly target: Target;
  readonly open: OpenTarget;
  readonly seeds: readonly Uint8Array[];
  readonly random: Random;
  readonly maximumExecutions: number;
  /** By `performance.now()`. */
  readonly stopsAt: number;
  readonly coverage: boolean;
  /** Before an execution: whoever watches can see what was being done when it does not come back. */
  readonly onExecution: (input: Uint8Array) => void;
}

export interface FoundInput {
  readonly kind: FindingKind;
  readonly message: string;
  readonly stack: string;
  readonly input: Uint8Array;
}

export interface FuzzerResult {
  readonly executions: number;
  readonly accepted: number;
  readonly corpus: number;
  readonly signatures: number;
  /** Blocks of our code, when they were counted. */
  readonly blocks: number | undefined;
  readonly slowestMs: number;
  readonly findings: readonly FoundInput[];
}

const LARGEST_CORPUS = 2000;
const MOST_FINDINGS = 10;
const COVERAGE_BATCH = 400;
const CHECK_EVERY = 2000;
export const SLOW_MS = 100;
export const HANG_MS = 2000;

interface Entry {
  readonly bytes: Uint8Array;
  /** Found anew each time for inputs of very many. */
  readonly nodes: readonly BerNode[] | undefined;
  chosen: number;
}

const MOST_NODES = 300;

/** What is larger costs more to change and to read than it teaches. */
const LARGEST_KEPT: Readonly<Record<InputKind, number>> = { asn1: 4000, text: 1000, json: 3000 };

export class Fuzzer {
  readonly #options: FuzzerOptions;
  readonly #corpus: Entry[] = [];
  /** Those of the corpus that were accepted: most changes of a refused one are refused for the same reason. */
  readonly #acceptedEntries: Entry[] = [];
  /** As numbers: hundreds of thousands of texts would take more memory than what is under test may. */
  readonly #signatures = new Set<number>();
  readonly #findings = new Map<string, FoundInput>();
  #coverage: Coverage | undefined;
  #batch: Uint8Array[] = [];
  #executions = 0;
  #accepted = 0;
  #slowestMs = 0;

  constructor(options: FuzzerOptions) {
    this.#options = options;
  }

  async run(): Promise<FuzzerResult> {
    const { seeds, random, target, stopsAt, maximumExecutions } = this.#options;
    if (this.#options.coverage) this.#coverage = new Coverage();
    for (const seed of seeds) {
      await this.#execute(seed);
      if (this.#corpus.at(-1)?.bytes !== seed) this.#keep(seed, false);
    }
    if (this.#corpus.length === 0) this.#keep(new Uint8Array(2), false);
    while (this.#executions < maximumExecutions && this.#findings.size < MOST_FINDINGS) {
      if (this.#executions % 16 === 0 && performance.now() > stopsAt) break;
      const input = mutate(target.inputKind, asInput(this.#choose()), asInput(this.#any()), random);
      await this.#execute(input);
      if (this.#executions % CHECK_EVERY === 0) await this.#check();
    }
    await this.#check();
    return this.#result();
  }

  /** Mostly something accepted, half of the time something new, of which the ways onward are least known. */
  #choose(): Entry {
    const { random } = this.#options;
    const isAccepted = this.#acceptedEntries.length > 0 && !random.oneIn(5);
    const entries = isAccepted ? this.#acceptedEntries : this.#corpus;
    const recent = random.oneIn(2) ? Math.min(entries.length, 50) : entries.length;
    const one = entries[entries.length - 1 - random.below(recent)] ?? this.#any();
    const other = random.pick(entries) ?? one;
    const chosen = one.chosen <= other.chosen ? one : other;
    chosen.chosen += 1;
    return chosen;
  }

  #any(): Entry {
    const entry = this.#options.random.pick(this.#corpus);
    if (entry === undefined) throw new Error('The corpus is empty.');
    return entry;
  }

  #keep(bytes: Uint8Array, accepted: boolean): void {
    const nodes = this.#options.target.inputKind === 'asn1' ? parseBer(bytes) : [];
    const entry = { bytes, nodes: nodes.length > MOST_NODES ? undefined : nodes, chosen: 0 };
    // Seeds stay, for they are what everything else comes from.
    this.#insert(this.#corpus, entry, this.#options.seeds.length);
    if (accepted) this.#insert(this.#acceptedEntries, entry, 0);
  }

  #insert(entries: Entry[], entry: Entry, firstToReplace: number): void {
    if (entries.length < LARGEST_CORPUS) entries.push(entry);
    else entries[this.#options.random.between(firstToReplace, LARGEST_CORPUS - 1)] = entry;
  }

  /** Keeps the input when it went a way that none went before. */
  async #execute(input: Uint8Array): Promise<void> {
    this.#executions += 1;
    this.#options.onExecution(input);
    const startedAt = performance.now();
    let outcome: Outcome | undefined;
    try {
      outcome = await this.#outcome(input);
    } catch (error) {
      await this.#found(error, input);
    }
    const durationMs = performance.now() - startedAt;
    if (durationMs > this.#slowestMs) await this.#consider(input, durationMs);
    if (outcome === undefined) return;
    if (outcome.accepted) this.#accepted += 1;
    const way = hashOf(outcome.signature);
    if (!this.#signatures.has(way)) {
      this.#signatures.add(way);
      if (input.length <= LARGEST_KEPT[this.#options.target.inputKind]) this.#keep(input, outcome.accepted);
    } else if (this.#coverage !== undefined) await this.#cover(this.#coverage, input);
  }

  /** Most targets answer at once; awaiting them all the same would cost more than many of them do. */
  #outcome(input: Uint8Array): Outcome | Promise<Outcome> {
    return this.#options.open.execute(input);
  }

  async #found(error: unknown, input: Uint8Array): Promise<void> {
    const finding = asFinding(error);
    if (this.#findings.has(finding.key)) return;
    // Reserved at once, so that the tries below do not report it again.
    this.#findings.set(finding.key, describe(finding, input));
    const showsFault = async (candidate: Uint8Array): Promise<boolean> => {
      this.#options.onExecution(candidate);
      try {
        await this.#outcome(candidate);
        return false;
      } catch (again) {
        return asFinding(again).key === finding.key;
      }
    };
    if (!(await showsFault(input))) return;
    this.#findings.set(finding.key, describe(finding, await minimize(input, showsFault)));
  }

  /** A machine with other things to do makes everything slow at times: what counts is the best of three. */
  async #consider(input: Uint8Array, durationMs: number): Promise<void> {
    let best = durationMs;
    for (let again = 0; again < 2 && best > SLOW_MS / 4; again += 1) {
      best = Math.min(best, await this.#measure(input));
    }
    if (best <= this.#slowestMs) return;
    this.#slowestMs = best;
    if (best > (this.#options.target.slowMs ?? SLOW_MS)) {
      await this.#found(new Finding('slow', `an execution takes ${Math.round(best)} ms`), input);
    }
  }

  /** The time of this thread alone, but where a target has its own bound: then others work for it, too. */
  async #measure(input: Uint8Array): Promise<number> {
    const startedAt = performance.now();
    const before = process.threadCpuUsage();
    await this.#again(input);
    const { user, system } = process.threadCpuUsage(before);
    return this.#options.target.slowMs === undefined ? (user + system) / 1000 : performance.now() - startedAt;
  }

  async #check(): Promise<void> {
    try {
      await this.#options.open.check?.();
    } catch (error) {
      const finding = asFinding(error);
      this.#findings.set(finding.key, describe(finding, new Uint8Array()));
    }
  }

  /** Taking coverage costs as much as hundreds of executions: it is taken for many at once, and halved where it tells something. */
  async #cover(coverage: Coverage, input: Uint8Array): Promise<void> {
    this.#batch.push(input);
    if (this.#batch.length < COVERAGE_BATCH) return;
    let suspects = this.#batch;
    this.#batch = [];
    const fresh = coverage.takeNew();
    if (fresh.size === 0) return;
    while (suspects.length > 1) {
      const half = suspects.slice(0, suspects.length >> 1);
      for (const suspect of half) await this.#again(suspect);
      const reached = coverage.take();
      suspects = [...fresh].some((block) => reached.has(block)) ? half : suspects.slice(half.length);
    }
    for (const suspect of suspects) this.#keep(suspect, false);
  }

  async #again(input: Uint8Array): Promise<void> {
    this.#options.onExecution(input);
    await Promise.resolve(input)
      .then((bytes) => this.#outcome(bytes))
      .catch(() => undefined);
  }

  #result(): FuzzerResult {
    const blocks = this.#coverage?.blocks;
    this.#coverage?.close();
    return {
      executions: this.#executions,
      accepted: this.#accepted,
      corpus: this.#corpus.length,
      signatures: this.#signatures.size,
      blocks,
      slowestMs: this.#slowestMs,
      findings: [...this.#findings.values()],
    };
  }
}

function asInput({ bytes, nodes }: Entry): BerInput {
  return { bytes, nodes: nodes ?? parseBer(bytes) };
}

/** 52 bits; two ways that share a number are one input kept less. */
function hashOf(text: string): number {
  let one = 0x811c9dc5;
  let other = 0x1b873593;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ unit, 0x85ebca6b);
    other ^= other >>> 13;
  }
  return (one >>> 6) * 2 ** 26 + (other >>> 6);
}

function asFinding(error: unknown): Finding {
  if (error instanceof Finding) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Finding('untyped_error', text, { cause: error });
}

function describe(finding: Finding, input: Uint8Array): FoundInput {
  const cause = finding.cause instanceof Error ? finding.cause : finding;
  return { kind: finding.kind, message: finding.message, stack: cause.stack ?? '', input };
}
