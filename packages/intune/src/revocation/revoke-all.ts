import type { RevocationDownload } from '../actions/download-revocation-requests.ts';
import type { RevocationRequest, UnreadableRevocationRequest } from './revocation-request.ts';
import { checkOutcome, type RevocationOutcome, type RevocationResult } from './revocation-result.ts';

/** Revokes the certificate of one request, and tells what came of it. */
export type Revoke = (request: RevocationRequest) => Promise<RevocationOutcome>;

/** A revocation that threw. */
export interface RevocationFailure {
  readonly request: RevocationRequest;
  /** What `revoke` has thrown. */
  readonly error: unknown;
}

export interface Revocations {
  /** In the order of the requests, those for unreadable ones last. */
  readonly results: RevocationResult[];
  readonly failures: RevocationFailure[];
}

/** Answers every request of a download that can be answered, those included that an aborted signal leaves undone. */
export async function revokeAll(
  download: Pick<RevocationDownload, 'requests' | 'unreadable'> | undefined,
  revoke: Revoke,
  { concurrency, signal }: { readonly concurrency: number; readonly signal: AbortSignal | undefined },
): Promise<Revocations> {
  const { requests, unreadable } = download ?? { requests: [], unreadable: [] };
  const results: RevocationResult[] = [];
  const failures: RevocationFailure[] = [];
  // One iterator for all, so that each takes the next request when it has finished one.
  const waiting = requests.entries();
  const work = async (): Promise<void> => {
    for (const [index, request] of waiting) {
      const outcome = signal?.aborted === true ? interrupted : await revokeOne(request, revoke, failures);
      results[index] = { ...outcome, requestContext: request.requestContext };
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, requests.length) }, work));
  return { results: [...results, ...unreadable.flatMap(refuseUnreadable)], failures };
}

const interrupted: RevocationOutcome = {
  succeeded: false,
  errorCode: 'RetryableServiceException',
  errorMessage: 'The CA was stopped before it came to this request.',
};

async function revokeOne(
  request: RevocationRequest,
  revoke: Revoke,
  failures: RevocationFailure[],
): Promise<RevocationOutcome> {
  try {
    const outcome = await revoke(request);
    checkOutcome('outcome', outcome);
    return outcome;
  } catch (error) {
    failures.push({ request, error });
    // The error's message is for the log of the CA: it may name hosts, paths and secrets.
    const errorMessage = `The CA failed to revoke the certificate${nameOf(error)}; its log says more.`;
    return { succeeded: false, errorCode: 'RetryableServiceException', errorMessage };
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error && /^\w{1,64}$/.test(error.name) ? ` (${error.name})` : '';
}

function refuseUnreadable({ requestContext, problem }: UnreadableRevocationRequest): RevocationResult[] {
  const errorMessage = `The request could not be read: ${problem}.`;
  return requestContext === undefined
    ? []
    : [{ requestContext, succeeded: false, errorCode: 'DataSerializationError', errorMessage }];
}
