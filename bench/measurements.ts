import type { LoadResult } from './load-generator.ts';
import { median } from './statistics.ts';

/** In the order in which they are measured and printed. */
export const targetNames = ['static', 'scepserver', 'intune'] as const;
export type TargetName = (typeof targetNames)[number];

export interface Summary {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all rounds together. */
  readonly failures: number;
  /** Processor time of one enrollment; zero for a server that is not ours. */
  readonly serverCpuMs: number;
  readonly loadCpuMs: number;
}

export interface Measured {
  readonly target: TargetName;
  readonly connections: number;
  readonly result: LoadResult;
  readonly isWarmUp: boolean;
  readonly serverCpuMs: number;
}

/** What was measured, round by round. */
export class Measurements {
  readonly #measured: Measured[] = [];
  readonly #limits: number[] = [];

  /** `serverCpuMs` is our server's processor time for all of it. */
  add(measured: Measured): void {
    this.#measured.push(measured);
  }

  /** Enrollments a second that the RSA operations alone would allow. */
  addLimit(perSecond: number): void {
    this.#limits.push(perSecond);
  }

  limit(): number {
    return median(this.#limits);
  }

  /** The medians over the rounds; undefined where nothing was measured. */
  summary(target: TargetName, connections: number): Summary | undefined {
    const measured = this.#measured.filter(
      (one) => !one.isWarmUp && one.target === target && one.connections === connections,
    );
    const results = measured.map(({ result }) => result);
    if (results.length === 0) return undefined;
    return {
      perSecond: median(results.map(({ perSecond }) => perSecond)),
      p50Ms: median(results.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(results.map(({ p99Ms }) => p99Ms)),
      failures: results.reduce((sum, { failures }) => sum + failures, 0),
      serverCpuMs: median(measured.map(({ serverCpuMs, result }) => serverCpuMs / result.successes)),
      loadCpuMs: median(results.map(({ cpuMs, successes }) => cpuMs / successes)),
    };
  }

  /** From the last measurement of the same kind, or of the same target; at least 10, for one that only fails. */
  expectedRate(target: TargetName, connections: number): number {
    const ofTarget = this.#measured.filter((one) => one.target === target);
    const last = ofTarget.findLast((one) => one.connections === connections) ?? ofTarget.at(-1);
    return Math.max(10, last?.result.perSecond ?? 0);
  }

  successes(target: TargetName): number {
    return this.#measured.filter((one) => one.target === target).reduce((sum, { result }) => sum + result.successes, 0);
  }

  /** What the first failure of each target was. */
  failures(): readonly (readonly [target: TargetName, failure: string])[] {
    return targetNames.flatMap((target) => {
      const failure = this.#measured.find((one) => one.target === target && one.result.failure !== undefined);
      return failure?.result.failure === undefined ? [] : [[target, failure.result.failure] as const];
    });
  }
}
