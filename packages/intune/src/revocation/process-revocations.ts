import { randomUUID } from 'node:crypto';
import type { DownloadRevocationRequestsOptions, RevocationDownload } from '../actions/download-revocation-requests.ts';
import type { UploadRevocationResultsOptions } from '../actions/upload-revocation-results.ts';
import { checkObject, checkSignal, checkWholeNumber } from '../arguments.ts';
import { IntuneArgumentError, IntuneCircuitOpenError, IntuneCoolDownError, IntuneHttpError } from '../errors.ts';
import { revokeAll, type RevocationFailure, type Revoke } from './revoke-all.ts';
import { checkRevocationResult, type RevocationResult } from './revocation-result.ts';
import { uploadAll, type Upload } from './upload-all.ts';

/** The two methods of an `IntuneClient` that a round needs. */
export interface RevocationClient {
  /** As `IntuneClient` does it. */
  downloadRevocationRequests(request?: DownloadRevocationRequestsOptions): Promise<RevocationDownload>;
  /** As `IntuneClient` does it; what it resolves with is not looked at. */
  uploadRevocationResults(request: UploadRevocationResultsOptions): Promise<unknown>;
}

/** Options of `processRevocations`. */
export interface ProcessRevocationsOptions extends Pick<
  DownloadRevocationRequestsOptions,
  'maximumRequests' | 'issuerName' | 'ignoreCoolDown'
> {
  /** What the round before has left over. Default: nothing. */
  readonly pendingResults?: readonly RevocationResult[];
  /** How many revocations may run at a time, 1 to 100. Default: 4. */
  readonly concurrency?: number;
  /**
   * Ends the round early: no further revocation begins; those that run are waited for, and so is a download under way,
   * as its requests would be lost. It rejects with the signal's reason if nothing has been downloaded yet, and otherwise
   * resolves with every result in `pendingResults`.
   */
  readonly signal?: AbortSignal;
  /** The clock for `nextRoundAt`. Default: the system's. */
  readonly now?: () => Date;
}

/** What a round has come to. */
export interface RevocationRound {
  /** Of the download and the uploads. */
  readonly transactionId: string;
  /** What Intune handed out; absent within the cool-down and after a failure. */
  readonly download?: RevocationDownload;
  /** What became of it, one result for each request that can be answered. */
  readonly results: readonly RevocationResult[];
  /**
   * What Intune has not accepted yet, of this round and earlier ones: keep it, and hand it to the next round. What
   * Intune refuses is tried apart from the rest and stays here too; give it up when it has been refused for days.
   */
  readonly pendingResults: readonly RevocationResult[];
  /** What `revoke` has thrown, for your log: Intune is not told. */
  readonly failures: readonly RevocationFailure[];
  /** Why the download failed; absent when it did not, and within the cool-down. */
  readonly downloadError?: unknown;
  /** Why results are left over; absent when none are. */
  readonly uploadError?: unknown;
  /** When to begin the next round. */
  readonly nextRoundAt: Date;
}

/** After a failure that does not say when to come back. */
const pauseAfterFailureMs = 5 * 60_000;

/**
 * One round of revocations:
 * 1. Upload the results that earlier rounds have left over.
 * 2. Download requests, if the cool-down is over.
 * 3. Revoke, a few at a time.
 * 4. Upload the results.
 *
 * A failure of Intune's is part of what it resolves with, so that a loop around it goes on. Requests can come again,
 * above all when results were lost, so `revoke` has to call a certificate that is already revoked a success.
 *
 * A process that is killed between steps 2 and 4 takes the requests with it. To keep them, hand in a client whose download
 * stores what it returns; the next process then hands in a `RetryableServiceException` for each as `pendingResults`.
 *
 * @param revoke revokes the certificate of one request. When it throws, Intune is told `RetryableServiceException` with
 *   the error's name and without its message
 * @throws {IntuneArgumentError} an option is unusable
 * @throws the signal's reason when it is aborted before anything is downloaded
 *
 * @example
 * ```ts
 * const round = await processRevocations(client, async (request) => {
 *   const [match] = matchRevocationRequests([request], await ca.find(serialNumberCandidates(request.serialNumber)));
 *   if (match === undefined || 'problem' in match) {
 *     const errorCode = match?.problem === 'ambiguous' ? 'ConflictError' : 'CertificateNotFoundError';
 *     return { succeeded: false, errorCode };
 *   }
 *   await ca.revoke(match.certificate);
 *   return { succeeded: true };
 * });
 * ```
 */
export async function processRevocations(
  client: RevocationClient,
  revoke: Revoke,
  options: ProcessRevocationsOptions = {},
): Promise<RevocationRound> {
  const { signal, concurrency, pendingResults, now } = checkRoundOptions(options);
  signal?.throwIfAborted();
  const transactionId = randomUUID();
  const earlier = await uploadAll(client, pendingResults, { transactionId, signal });
  signal?.throwIfAborted();
  const download = await tryDownload(client, { ...options, transactionId });
  const { results, failures } = await revokeAll(download.value, revoke, { concurrency, signal });
  const own = await uploadAll(client, results, { transactionId, signal });
  const left = leftOver(earlier, results, own);
  return {
    transactionId,
    ...(download.value === undefined ? {} : { download: download.value }),
    results,
    failures,
    ...left,
    ...(download.error === undefined ? {} : { downloadError: download.error }),
    nextRoundAt: nextRoundAt(download, left.uploadError, now()),
  };
}

function checkRoundOptions(options: ProcessRevocationsOptions): Pick<
  Required<ProcessRevocationsOptions>,
  'concurrency' | 'pendingResults' | 'now'
> & {
  readonly signal: AbortSignal | undefined;
} {
  const { concurrency = 4, pendingResults = [], now = () => new Date(), signal } = checkObject('options', options);
  if (!Array.isArray(pendingResults)) {
    throw new IntuneArgumentError('pendingResults', 'must be an array of results');
  }
  for (const [index, result] of pendingResults.entries()) {
    checkRevocationResult(`pendingResults[${index}]`, result);
  }
  return {
    concurrency: checkWholeNumber('concurrency', concurrency, { from: 1, to: 100 }),
    pendingResults,
    now,
    signal: checkSignal(signal),
  };
}

/** What a download has come to: a value, an error, or the end of the cool-down that forbids it. */
interface DownloadAttempt {
  readonly value?: RevocationDownload;
  readonly error?: unknown;
  readonly coolDownUntil?: Date;
}

async function tryDownload(
  client: RevocationClient,
  {
    maximumRequests,
    issuerName,
    ignoreCoolDown,
    signal,
    transactionId,
  }: ProcessRevocationsOptions & {
    readonly transactionId: string;
  },
): Promise<DownloadAttempt> {
  try {
    const value = await client.downloadRevocationRequests({
      transactionId,
      ...(maximumRequests === undefined ? {} : { maximumRequests }),
      ...(issuerName === undefined ? {} : { issuerName }),
      ...(ignoreCoolDown === undefined ? {} : { ignoreCoolDown }),
    });
    return { value };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof IntuneArgumentError) {
      throw error;
    }
    return error instanceof IntuneCoolDownError ? { coolDownUntil: error.until } : { error };
  }
}

/** A request that came again has a newer result, which counts: the older one must not follow it. */
function leftOver(
  earlier: Upload,
  results: readonly RevocationResult[],
  own: Upload,
): Pick<RevocationRound, 'pendingResults' | 'uploadError'> {
  const answered = new Set(results.map(({ requestContext }) => requestContext));
  const pendingResults = [
    ...earlier.pending.filter(({ requestContext }) => !answered.has(requestContext)),
    ...own.pending,
  ];
  const uploadError = own.error ?? (pendingResults.length === 0 ? undefined : earlier.error);
  return { pendingResults, ...(uploadError === undefined ? {} : { uploadError }) };
}

function nextRoundAt(download: DownloadAttempt, uploadError: unknown, now: Date): Date {
  const times = [
    download.value?.nextDownloadAt ?? download.coolDownUntil,
    ...[download.error, uploadError].filter((error) => error !== undefined).map((error) => afterFailure(error, now)),
  ].filter((time) => time !== undefined);
  return new Date(Math.min(...times.map((time) => time.getTime())));
}

function afterFailure(error: unknown, now: Date): Date {
  const asked = error instanceof IntuneHttpError || error instanceof IntuneCircuitOpenError ? error.retryAfterMs : 0;
  return new Date(now.getTime() + Math.max(asked ?? 0, pauseAfterFailureMs));
}
