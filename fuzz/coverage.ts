/** Which blocks of our code have run, from V8 itself: the guidance of `--coverage`. */
import { Session } from 'node:inspector';

interface CoverageRange {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface ScriptCoverage {
  readonly scriptId: string;
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly CoverageRange[] }[];
}

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#call('Profiler.enable');
    this.#call('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that have run since it was asked before. */
  take(): Set<string> {
    const { result } = this.#call('Profiler.takePreciseCoverage') as { result: readonly ScriptCoverage[] };
    const blocks = new Set<string>();
    for (const { scriptId, url, functions } of result) {
      if (!url.includes('/packages/')) continue;
      for (const { ranges } of functions) addBlocks(blocks, scriptId, ranges);
    }
    return blocks;
  }

  /** As `take`, without those that ran at any time before. */
  takeNew(): Set<string> {
    const fresh = new Set([...this.take()].filter((block) => !this.#seen.has(block)));
    for (const block of fresh) this.#seen.add(block);
    return fresh;
  }

  get blocks(): number {
    return this.#seen.size;
  }

  close(): void {
    this.#session.disconnect();
  }

  /** Within one thread the answer is there when `post` returns. */
  #call(method: string, parameters: object = {}): unknown {
    let answer: unknown;
    let failure: Error | null = null;
    this.#session.post(method, parameters, (error, result) => {
      failure = error;
      answer = result;
    });
    if (failure !== null) throw failure as Error;
    return answer;
  }
}

function addBlocks(blocks: Set<string>, scriptId: string, ranges: readonly CoverageRange[]): void {
  for (const { startOffset, endOffset, count } of ranges) {
    if (count > 0) blocks.add(`${scriptId}:${startOffset}:${endOffset}`);
  }
}
