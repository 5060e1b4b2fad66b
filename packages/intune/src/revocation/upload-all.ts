import { mostResults, type UploadRevocationResultsOptions } from '../actions/upload-revocation-results.ts';
import { IntuneHttpError, IntuneRejectedError } from '../errors.ts';
import type { RevocationResult } from './revocation-result.ts';

export interface Upload {
  /** What Intune has not accepted. */
  readonly pending: readonly RevocationResult[];
  /** Why; the last reason if there were several. */
  readonly error?: unknown;
}

/** Finds two unacceptable results among 500, and stops soon when Intune refuses everything. */
const mostSplits = 20;

/**
 * Uploads any number of results, in as many calls as it takes. Of several results for one request the last counts. A
 * part that Intune refuses is halved and tried again, so that an unacceptable result holds up few others.
 */
export async function uploadAll(
  client: { uploadRevocationResults(request: UploadRevocationResultsOptions): Promise<unknown> },
  results: readonly RevocationResult[],
  { transactionId, signal }: { readonly transactionId: string; readonly signal: AbortSignal | undefined },
): Promise<Upload> {
  const parts = inParts([...new Map(results.map((result) => [result.requestContext, result])).values()], mostResults);
  const pending: RevocationResult[] = [];
  let failure: { readonly error?: unknown } = {};
  let splits = 0;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    try {
      await client.uploadRevocationResults({
        transactionId,
        results: part,
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      failure = { error };
      if (isRefusal(error) && part.length > 1 && splits < mostSplits) {
        splits += 1;
        parts.unshift(...inParts(part, Math.ceil(part.length / 2)));
      } else {
        pending.push(...part);
      }
    }
  }
  return { pending, ...failure };
}

/** Intune won't have the results (400, or the answer `false`): one of them may be the reason, or their number (413). */
function isRefusal(error: unknown): boolean {
  return error instanceof IntuneHttpError ? [400, 413].includes(error.status) : error instanceof IntuneRejectedError;
}

function inParts(results: readonly RevocationResult[], size: number): RevocationResult[][] {
  const count = Math.ceil(results.length / size);
  return Array.from({ length: count }, (_, index) => results.slice(index * size, (index + 1) * size));
}
