import { ScepError } from '@scepter/scep';
import type { FailInfo } from '@scepter/scep';
import type { ReportedState } from './device-management.ts';

/** The steps of one device, in their order; those after `check-in` happen once for every SCEP profile. */
export type StepName = 'check-in' | 'key' | 'capabilities' | 'ca-certificate' | 'enroll' | 'install' | 'report';

/** One finished step, for whoever watches. */
export interface Step {
  readonly name: StepName;
  readonly outcome: 'ok' | 'failed';
  readonly durationMs: number;
  /** One line for a person. It can quote what a server sent: escape it before it reaches a terminal. */
  readonly detail: string;
}

/** What a step knows about its failure beyond the reason. */
export interface FailureDetails {
  readonly state?: ReportedState;
  readonly errorCode?: number;
  readonly failInfo?: FailInfo;
  readonly cause?: unknown;
}

/** A step of a device that did not succeed, and what the device will report. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly step: StepName;
  readonly state: ReportedState;
  readonly errorCode: number | undefined;
  readonly failInfo: FailInfo | undefined;

  constructor(step: StepName, reason: string, details: FailureDetails = {}) {
    super(reason, details.cause === undefined ? undefined : { cause: details.cause });
    this.step = step;
    this.state = details.state ?? usualStates[step];
    this.errorCode = details.errorCode;
    this.failInfo = details.failInfo;
  }
}

const usualStates = {
  'check-in': 'requestCreationFailed',
  key: 'requestCreationFailed',
  capabilities: 'requestSubmitFailed',
  'ca-certificate': 'requestSubmitFailed',
  enroll: 'requestSubmitFailed',
  install: 'installFailed',
  report: 'installFailed',
} as const satisfies Record<StepName, ReportedState>;

/** What a step hands on, with the line that tells about it. */
interface StepResult<T> {
  readonly value: T;
  readonly detail: string;
}

/** Runs one step, tells how it went, and turns whatever it throws into a `StepError`. */
export type RunStep = <T>(name: StepName, work: () => Promise<StepResult<T>>) => Promise<T>;

/** A `RunStep` that measures with the given clock. */
export function stepRunner(now: () => Date, onStep: (step: Step) => void): RunStep {
  return async (name, work) => {
    const startedAt = now().getTime();
    const tell = (outcome: Step['outcome'], detail: string): void =>
      onStep({ name, outcome, durationMs: now().getTime() - startedAt, detail });
    try {
      const { value, detail } = await work();
      tell('ok', detail);
      return value;
    } catch (error) {
      const failure = asStepError(name, error);
      tell('failed', failure.message);
      throw failure;
    }
  };
}

/** A request that left and whose answer cannot be read is another state than one that could not be sent. */
function asStepError(step: StepName, error: unknown): StepError {
  if (error instanceof StepError) return error;
  const answered =
    step === 'enroll' && error instanceof ScepError && /^scep\.(bad_reply|reply_|undecodable)/u.test(error.code);
  const state = answered ? { state: 'responseProcessingFailed' as const } : {};
  return new StepError(step, describeError(error), { ...state, cause: error });
}

/** An error in one line, with the reason that built-in `fetch` hides in its cause. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? describeError(error.cause) : '';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const own = error.message === '' ? code || error.name : error.message;
  return cause === '' || own.includes(cause) ? own : `${own}: ${cause}`;
}

/** `1 profile`, `2 profiles`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
