import { IntuneError } from '../errors.ts';
import type { Outcome } from './events.ts';

/** How a failure is named in events and spans. */
export function outcomeOf(error: unknown, signal: AbortSignal | undefined): Outcome {
  if (error instanceof IntuneError) {
    return error.code;
  }
  return signal?.aborted === true && error === signal.reason ? 'aborted' : 'unexpected';
}
