/**
 * Revokes what Intune wants revoked, once an hour. What must survive a restart is kept by the caller: when the last
 * download was, and the results that Intune has not accepted yet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { matchRevocationRequests, processRevocations, serialNumberCandidates } from '@scepter/intune';
import type {
  IntuneClient,
  RevocableCertificate,
  RevocationOutcome,
  RevocationRequest,
  RevocationRound,
} from '@scepter/intune';

/** Your CA. */
export interface RevokingAuthority {
  /** @param serialNumbers upper-case hex without leading zeros: whatever a request may mean */
  find(serialNumbers: readonly string[]): Promise<readonly RevocableCertificate[]>;
  /** Revoking a second time is no failure. */
  revoke(certificate: RevocableCertificate): Promise<void>;
  /** Stores `pendingResults` and `download.downloadedAt`; the latter is the client's `lastRevocationDownload` after a restart. */
  save(round: RevocationRound): Promise<void>;
  log(message: string, error: unknown): void;
}

/**
 * Runs until the signal is aborted.
 *
 * @throws the signal's reason when it is aborted before the round at hand has downloaded anything
 */
export async function revokeAsIntuneAsks(
  client: IntuneClient,
  ca: RevokingAuthority,
  signal: AbortSignal,
): Promise<void> {
  let pendingResults: RevocationRound['pendingResults'] = [];
  while (!signal.aborted) {
    const round = await processRevocations(client, (request) => revoke(request, ca), { pendingResults, signal });
    ({ pendingResults } = round);
    await ca.save(round);
    for (const { request, error } of round.failures) {
      ca.log(`${request.serialNumber}: not revoked, Intune asks again`, error);
    }
    if (round.downloadError !== undefined) ca.log('Intune gave no list', round.downloadError);
    if (round.uploadError !== undefined) ca.log('Intune took no results', round.uploadError);
    // Nobody waits for this promise but the loop: aborting ends the wait, and the loop with it.
    await sleep(Math.max(0, round.nextRoundAt.getTime() - Date.now()), undefined, { signal }).catch(() => {});
  }
}

async function revoke(request: RevocationRequest, ca: RevokingAuthority): Promise<RevocationOutcome> {
  const certificates = await ca.find(serialNumberCandidates(request.serialNumber));
  const [match] = matchRevocationRequests([request], certificates);
  if (match !== undefined && 'certificate' in match) {
    await ca.revoke(match.certificate);
    return { succeeded: true };
  }
  return match?.problem === 'ambiguous'
    ? { succeeded: false, errorCode: 'ConflictError', errorMessage: 'More than one certificate may be meant.' }
    : { succeeded: false, errorCode: 'CertificateNotFoundError' };
}
