import type { Check, CheckState, GroupName, Outcome } from '../check.ts';

/** A check and what came of it. */
export interface CheckResult extends Outcome, Omit<Check, 'run'> {
  readonly group: GroupName;
  readonly durationMs: number;
}

export interface ProbeReport {
  readonly url: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** No MUST failed. */
  readonly conforms: boolean;
  readonly results: readonly CheckResult[];
}

export type Counts = Readonly<Record<CheckState, number>> & {
  /** Of the failures, those of the level MUST. */
  readonly failedMust: number;
  /** Of what is unclear, those of the level MUST. */
  readonly unclearMust: number;
};

export const countResults = (results: readonly Pick<CheckResult, 'state' | 'level'>[]): Counts => {
  const count = (state: CheckState): number => results.filter((result) => result.state === state).length;
  return {
    pass: count('pass'),
    fail: count('fail'),
    'not-applicable': count('not-applicable'),
    inconclusive: count('inconclusive'),
    failedMust: failedMusts(results),
    unclearMust: results.filter(({ level, state }) => state === 'inconclusive' && level === 'MUST').length,
  };
};

export const failedMusts = (results: readonly Pick<CheckResult, 'state' | 'level'>[]): number =>
  results.filter(({ level, state }) => state === 'fail' && level === 'MUST').length;

/** The report as plain JSON values; `docs/probe.md` describes every field. */
export const reportToJson = (report: ProbeReport) => ({
  version: 1,
  url: report.url,
  startedAt: report.startedAt.toISOString(),
  durationMs: Math.round(report.durationMs),
  conforms: report.conforms,
  counts: countResults(report.results),
  checks: report.results.map(({ durationMs, expected, group, hint, id, level, saw, section, state, title }) => ({
    id,
    group,
    title,
    level,
    section,
    state,
    expected,
    saw,
    ...(state === 'fail' ? { hint } : {}),
    durationMs: Math.round(durationMs),
  })),
});
