/** One target in one or several threads, watched from outside for what a thread cannot say of itself: that it hangs or died. */
import { Worker } from 'node:worker_threads';
import type { ThreadOrder } from './fuzz-thread.ts';
import { HANG_MS } from './fuzzer.ts';
import type { FoundInput, FuzzerResult } from './fuzzer.ts';
import { Watched } from './watched.ts';

export interface CampaignOptions {
  readonly target: string;
  readonly seed: number;
  readonly workers: number;
  /** In all threads together. */
  readonly executions: number;
  readonly durationMs: number;
  readonly coverage: boolean;
  readonly onProgress: (executions: number) => void;
}

export interface CampaignResult extends FuzzerResult {
  readonly durationMs: number;
}

/** A thread that needs more has been made to keep something of what it was sent. */
const LARGEST_HEAP_MB = 512;
const LARGEST_PROCESS_BYTES = 2_500 * 1024 * 1024;
/** A busy machine may hold up a thread for long; an execution that is really endless is still there. */
const HANG_TICKS = 5;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const startedAt = performance.now();
  const threads = Array.from({ length: options.workers }, (_, index) => runThread(options, index));
  const timer = setInterval(
    () => options.onProgress(threads.reduce((sum, { watched }) => sum + watched.executions, 0)),
    10_000,
  );
  const results = await Promise.all(threads.map(({ result }) => result));
  clearInterval(timer);
  return { ...merge(results), durationMs: performance.now() - startedAt };
}

function runThread(options: CampaignOptions, index: number): { watched: Watched; result: Promise<FuzzerResult> } {
  const shared = Watched.memory();
  const watched = new Watched(shared);
  const order: ThreadOrder = {
    target: options.target,
    seed: options.seed + index,
    executions: Math.ceil(options.executions / options.workers),
    durationMs: options.durationMs,
    coverage: options.coverage,
    shared,
  };
  return { watched, result: watch(order, watched) };
}

async function watch(order: ThreadOrder, watched: Watched): Promise<FuzzerResult> {
  const worker = new Worker(new URL('fuzz-thread.ts', import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: LARGEST_HEAP_MB },
  });
  let result: FuzzerResult | undefined;
  let found: FoundInput | undefined;
  const lost = (kind: FoundInput['kind'], message: string, stack = ''): void => {
    found ??= { kind, message, stack, input: watched.input };
    void worker.terminate();
  };
  worker.on('message', (message: FuzzerResult) => (result = message));
  worker.on('error', (error: Error & { code?: string }) =>
    lost(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash', error.message, error.stack),
  );
  let seen = -1;
  let unchanged = 0;
  const timer = setInterval(() => {
    unchanged = watched.isBusy && watched.executions === seen ? unchanged + 1 : 0;
    seen = watched.executions;
    if (unchanged >= HANG_TICKS) lost('hang', `an execution takes more than ${HANG_MS * HANG_TICKS} ms`);
    if (process.memoryUsage.rss() > LARGEST_PROCESS_BYTES) lost('memory', 'the process grows beyond all measure');
  }, HANG_MS);
  // Not by `once`, which takes an error for the end.
  await new Promise((resolve) => worker.on('exit', resolve));
  clearInterval(timer);
  if (result !== undefined && found === undefined) return result;
  const none = { accepted: 0, corpus: 0, signatures: 0, blocks: undefined, slowestMs: 0, findings: [], ...result };
  const ended = found ?? { kind: 'crash', message: 'the thread ended', stack: '', input: watched.input };
  return { ...none, executions: watched.executions, findings: [...none.findings, ended] };
}

function merge(results: readonly FuzzerResult[]): FuzzerResult {
  const sum = (of: (result: FuzzerResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const most = (of: (result: FuzzerResult) => number): number => Math.max(...results.map(of));
  return {
    executions: sum(({ executions }) => executions),
    accepted: sum(({ accepted }) => accepted),
    corpus: sum(({ corpus }) => corpus),
    signatures: most(({ signatures }) => signatures),
    blocks: results[0]?.blocks === undefined ? undefined : most(({ blocks }) => blocks ?? 0),
    slowestMs: most(({ slowestMs }) => slowestMs),
    findings: results.flatMap(({ findings }) => findings),
  };
}
