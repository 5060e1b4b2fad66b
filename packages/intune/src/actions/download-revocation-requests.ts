import { randomUUID } from 'node:crypto';
import { checkBoolean, checkText, checkTransactionId, checkWholeNumber } from '../arguments.ts';
import type { Call } from '../call.ts';
import type { HttpAnswer } from '../http/answer.ts';
import type { CoolDownPeriod, RevocationCoolDown } from '../revocation/cool-down.ts';
import {
  readRevocationRequests,
  type RevocationRequest,
  type UnreadableRevocationRequest,
} from '../revocation/revocation-request.ts';
import { performAction, type IntuneServices } from './service-action.ts';

/** Microsoft's limit, and the number it recommends at most. */
const mostRequests = 500;
const recommendedRequests = 100;

/** 16 KB for each of 500 requests: an answer that is refused for its size is lost. */
const largestBodyBytes = 8 * 1024 * 1024;

/** Arguments of `downloadRevocationRequests`. */
export interface DownloadRevocationRequestsOptions {
  /** How many requests to take at most, 1 to 500. Default: 100, which Microsoft recommends as the most. */
  readonly maximumRequests?: number;
  /**
   * Takes only requests of this issuer, at most 256 characters. Default: all, which is advisable: the filter has been
   * seen to compare `caConfiguration`, and to be applied to the first `maximumRequests` of all requests only.
   */
  readonly issuerName?: string;
  /** For your own records and events, and the upload of the results; it is not sent. Default: a new GUID. */
  readonly transactionId?: string;
  /** Asks Intune although the hour since the last download is not over; Intune may refuse. Default: false. */
  readonly ignoreCoolDown?: boolean;
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What Intune wants revoked. */
export interface RevocationDownload {
  /** The GUID by which Microsoft's logs know the call (`client-request-id`). */
  readonly activityId: string;
  /** To be used for the upload of the results. */
  readonly transactionId: string;
  /** The certificates to revoke. Whether Intune hands out again what is never answered is not known. */
  readonly requests: readonly RevocationRequest[];
  /** Entries of Intune's answer that are no revocation requests; usually none. */
  readonly unreadable: readonly UnreadableRevocationRequest[];
  /** Whether Intune may hold further requests: it sent as many as were asked for, or said so. */
  readonly mayHaveMore: boolean;
  /** When the answer arrived; the next process takes it as `lastRevocationDownload`. */
  readonly downloadedAt: Date;
  /** When the next download is allowed. */
  readonly nextDownloadAt: Date;
}

/** A download with its checked arguments. */
export interface DownloadAction {
  readonly transactionId: string;
  readonly maximumRequests: number;
  readonly issuerName: string | null;
  readonly ignoreCoolDown: boolean;
}

export function downloadRevocationRequestsAction(request: DownloadRevocationRequestsOptions): DownloadAction {
  const { transactionId, maximumRequests = recommendedRequests, issuerName, ignoreCoolDown = false } = request;
  return {
    transactionId: transactionId === undefined ? randomUUID() : checkTransactionId(transactionId),
    maximumRequests: checkWholeNumber('maximumRequests', maximumRequests, { from: 1, to: mostRequests }),
    issuerName: issuerName === undefined ? null : checkText('issuerName', issuerName, { maximumLength: 256 }),
    ignoreCoolDown: checkBoolean('ignoreCoolDown', ignoreCoolDown),
  };
}

/**
 * Downloads when the cool-down allows it, one download at a time.
 * @throws {IntuneCoolDownError} the hour is not over; nothing was sent. And what `performAction` throws
 */
export async function performDownload(
  services: IntuneServices,
  action: DownloadAction,
  { apiVersion, coolDown }: { readonly apiVersion: string; readonly coolDown: RevocationCoolDown },
  call: Call,
): Promise<RevocationDownload> {
  const download = async (): Promise<RevocationDownload> => {
    let wasSent = false;
    const onSent = (): void => {
      wasSent = true;
    };
    try {
      const answer = await askIntune(services, action, { apiVersion, onSent }, call);
      return readDownload(answer, action, coolDown.start(), call);
    } catch (error) {
      coolDown.noteFailure(error, wasSent);
      throw error;
    }
  };
  return coolDown.run(download, { ignore: action.ignoreCoolDown, call });
}

async function askIntune(
  services: IntuneServices,
  { maximumRequests, issuerName }: DownloadAction,
  { apiVersion, onSent }: { readonly apiVersion: string; readonly onSent: () => void },
  call: Call,
): Promise<HttpAnswer> {
  return performAction(
    services,
    {
      name: 'downloadRevocationRequests',
      serviceName: 'PkiConnectorFEService',
      path: 'CertificateAuthorityRequests/downloadRevocationRequests',
      apiVersion,
      body: { downloadParameters: { maxRequests: maximumRequests, issuerName } },
      // What an answer that got lost had handed out may not be handed out again.
      idempotent: false,
      onSent,
      largestBodyBytes,
    },
    call,
  );
}

function readDownload(
  answer: HttpAnswer,
  action: DownloadAction,
  coolDown: CoolDownPeriod,
  call: Call,
): RevocationDownload {
  const body = answer.jsonObject();
  const entries = body?.['value'];
  if (!Array.isArray(entries)) {
    throw answer.badReply('Intune', 'without a list of revocation requests', call);
  }
  return {
    activityId: call.activityId,
    transactionId: action.transactionId,
    ...readRevocationRequests(entries),
    // The link is not followed: nobody knows what a second page of an action is, and the cool-down has begun.
    mayHaveMore: entries.length >= action.maximumRequests || (body?.['@odata.nextLink'] ?? null) !== null,
    downloadedAt: coolDown.startedAt,
    nextDownloadAt: coolDown.until,
  };
}
