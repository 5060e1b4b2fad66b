import type { ServerUnderTest } from './server-under-test.ts';

/** How binding a check is: the RFC's own word, or what real clients and careful operators need beside it. */
export type CheckLevel = 'MUST' | 'SHOULD' | 'practice';

export type CheckState =
  | 'pass'
  | 'fail'
  /** The server does not do what is checked, or the probe was not given what the check needs. */
  | 'not-applicable'
  /** Something else came in between, so that nothing was learnt. */
  | 'inconclusive';

/** What one check found. */
export interface Outcome {
  readonly state: CheckState;
  /** What was seen, or why nothing was; may quote the server: escape it before showing it. */
  readonly saw: string;
}

/** One point of the checklist. */
export interface Check {
  /** Stable, for filters and for reports that are compared: `group.name`. */
  readonly id: string;
  readonly title: string;
  /** Where it is written: a section of RFC 8894 unless another source is named. */
  readonly section: string;
  readonly level: CheckLevel;
  readonly expected: string;
  /** What to do about a failure. */
  readonly hint: string;
  readonly run: (server: ServerUnderTest) => Promise<Outcome>;
}

export const groupNames = [
  'http',
  'capabilities',
  'ca-certificates',
  'messages',
  'enrollment',
  'renewal',
  'poll',
  'query',
  'rollover',
  'clients',
  'abuse',
] as const;

export type GroupName = (typeof groupNames)[number];

export interface CheckGroup {
  readonly name: GroupName;
  readonly checks: readonly Check[];
}

export const pass = (saw: string): Outcome => ({ state: 'pass', saw });
export const fail = (saw: string): Outcome => ({ state: 'fail', saw });
export const notApplicable = (why: string): Outcome => ({ state: 'not-applicable', saw: why });
export const inconclusive = (why: string): Outcome => ({ state: 'inconclusive', saw: why });

/** `pass` or `fail`, seen the same. */
export const verdict = (holds: boolean, saw: string): Outcome => (holds ? pass(saw) : fail(saw));

/** `pass` when nothing is wrong, else a failure that tells everything that is. */
export const noneWrong = (problems: readonly string[], saw: string): Outcome =>
  problems.length === 0 ? pass(saw) : fail(problems.join('; '));

/** Ends a check from within what it relies on: no challenge was given, or the enrollment that it needs went wrong. */
export class CheckStopped extends Error {
  override readonly name = 'CheckStopped';
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.saw);
    this.outcome = outcome;
  }
}
