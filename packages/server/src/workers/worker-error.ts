/** Why a job gave no result: it could not be done, or the worker was lost. */
export type WorkerErrorCode =
  | 'worker.died'
  | 'worker.timed_out'
  | 'worker.queue_full'
  | 'worker.closed'
  /** The job itself failed, with the code of its error. */
  | (string & {});

export class WorkerError extends Error {
  readonly code: WorkerErrorCode;
  constructor(code: WorkerErrorCode, message: string) {
    super(message);
    this.name = 'WorkerError';
    this.code = code;
  }
}
