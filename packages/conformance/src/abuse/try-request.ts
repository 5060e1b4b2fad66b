import { TransportError } from '../http/transport-error.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, isRefused } from '../transaction.ts';
import type { RequestPlan } from '../transaction.ts';

/** What became of a request that must not be granted. */
export interface Tried {
  readonly refused: boolean;
  readonly seen: string;
  readonly durationMs: number;
}

/** Sends it; a server that hangs up has refused it, too. */
export const tryRequest = async (server: ServerUnderTest, plan: RequestPlan): Promise<Tried> => {
  const startedMs = performance.now();
  const elapsed = (): number => performance.now() - startedMs;
  try {
    const transaction = await server.request(plan);
    return { refused: isRefused(transaction), seen: describeTransaction(transaction), durationMs: elapsed() };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return { refused: true, seen: error.message, durationMs: elapsed() };
  }
};
