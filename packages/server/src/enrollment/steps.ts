/** The steps of an enrollment, numbered as in `docs/enrollment.md`, and how their passing is reported. */
import type { RefusalCode } from './refusals.ts';
import { RefusalError } from './refusals.ts';

export const stepNumbers = {
  decode: 1,
  open: 2,
  recall: 3,
  poll: 3,
  'get-cert': 3,
  'get-crl': 3,
  authorize: 4,
  'await-approval': 4,
  'check-policy': 5,
  'record-intent': 6,
  sign: 7,
  store: 7,
  'tell-intune': 8,
  release: 8,
  reply: 9,
} as const;

export type StepName = keyof typeof stepNumbers;

/** One step of one transaction, over. Nothing in it is secret. */
export interface StepReport {
  readonly endpoint: string;
  readonly transactionId: string;
  /** The client's IP address. */
  readonly address: string;
  readonly step: StepName;
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly durationMs: number;
  readonly refusal?: RefusalCode;
  readonly reason?: string;
  /** What Intune said, and what to do about it. */
  readonly detail?: string;
  readonly activityId?: string;
  readonly serialNumber?: string;
  readonly subject?: string;
}

/** Called at the boundary behind each step, before the next one begins. */
export type StepObserver = (report: StepReport) => void;

/** What a step may add to its report. */
export type StepDetails = Pick<StepReport, 'activityId' | 'serialNumber' | 'subject' | 'reason'>;

/** The trace of one transaction. */
export class Trace {
  readonly #transaction: Pick<StepReport, 'endpoint' | 'transactionId' | 'address'>;
  readonly #observe: StepObserver;

  constructor(transaction: Pick<StepReport, 'endpoint' | 'transactionId' | 'address'>, observe: StepObserver) {
    this.#transaction = transaction;
    this.#observe = observe;
  }

  /** Runs a step and reports it, however it ends. */
  async step<T>(
    name: StepName,
    work: () => Promise<T> | T,
    details: (result: T) => StepDetails = () => ({}),
  ): Promise<T> {
    const startedAt = performance.now();
    let result: T;
    try {
      result = await work();
    } catch (error) {
      this.#report(name, performance.now() - startedAt, failureReport(error));
      throw error;
    }
    this.#report(name, performance.now() - startedAt, { outcome: 'done', ...details(result) });
    return result;
  }

  /** Reports a step that ran elsewhere. */
  passed(name: StepName, durationMs: number, details: StepDetails = {}): void {
    this.#report(name, durationMs, { outcome: 'done', ...details });
  }

  refused(name: StepName, durationMs: number, code: RefusalCode, reason: string): void {
    this.#report(name, durationMs, { outcome: 'refused', refusal: code, reason });
  }

  #report(
    step: StepName,
    durationMs: number,
    rest: Omit<StepReport, 'endpoint' | 'transactionId' | 'address' | 'step' | 'durationMs'>,
  ): void {
    this.#observe({
      ...this.#transaction,
      step,
      durationMs: Math.round(durationMs * 1000) / 1000,
      ...rest,
    });
  }
}

function failureReport(error: unknown): Pick<StepReport, 'outcome' | 'refusal' | 'reason' | 'detail' | 'activityId'> {
  if (!(error instanceof RefusalError)) return { outcome: 'failed', reason: errorCode(error) };
  return {
    outcome: 'refused',
    refusal: error.code,
    ...(error.reason === undefined ? {} : { reason: error.reason }),
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    ...(error.activityId === undefined ? {} : { activityId: error.activityId }),
  };
}

/** The stable code of an error, or its class: never its message, which may quote the request. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
