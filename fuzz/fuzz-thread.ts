/** One thread of a campaign. What it is at stands in shared memory, for it may not live to tell. */
import { parentPort, workerData } from 'node:worker_threads';
import { readCorpus } from './corpus.ts';
import { Fuzzer } from './fuzzer.ts';
import { Random } from './mutation/random.ts';
import { useShortStacks } from './outcome.ts';
import { targetNamed } from './targets/targets.ts';
import { Watched } from './watched.ts';

export interface ThreadOrder {
  readonly target: string;
  readonly seed: number;
  readonly executions: number;
  readonly durationMs: number;
  readonly coverage: boolean;
  readonly shared: SharedArrayBuffer;
}

const order = workerData as ThreadOrder;
const target = targetNamed(order.target);
const watched = new Watched(order.shared);
const corpora = target.corpora ?? [target.name];
const random = new Random(order.seed);
const open = await target.open();
const files = [...corpora.flatMap((name) => readCorpus('corpus', name)), ...readCorpus('regressions', target.name)];
useShortStacks();
try {
  const fuzzer = new Fuzzer({
    target,
    open,
    seeds: [...files.map(({ bytes }) => bytes), ...(open.seeds ?? [])],
    random,
    maximumExecutions: order.executions,
    stopsAt: performance.now() + order.durationMs,
    coverage: order.coverage,
    onExecution: (input) => watched.begin(input),
  });
  const result = await fuzzer.run();
  watched.end();
  parentPort?.postMessage(result);
} finally {
  watched.end();
  await open.close?.();
}
