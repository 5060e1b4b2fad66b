import { checkTransactionId } from '../arguments.ts';
import type { Call } from '../call.ts';
import { IntuneArgumentError, IntuneRejectedError } from '../errors.ts';
import { checkRevocationResult, type RevocationResult } from '../revocation/revocation-result.ts';
import { performAction, type IntuneServices } from './service-action.ts';

/** As many as one download can have; Microsoft names no limit. */
export const mostResults = 500;

/** Arguments of `uploadRevocationResults`. */
export interface UploadRevocationResultsOptions {
  /** That of the download; for your own records and events, it is not sent. */
  readonly transactionId: string;
  /** One result for each request, 1 to 500. */
  readonly results: readonly RevocationResult[];
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** An upload with its checked arguments. */
export interface UploadAction {
  readonly transactionId: string;
  /** Sent as JSON. */
  readonly body: object;
}

export function uploadRevocationResultsAction(request: UploadRevocationResultsOptions): UploadAction {
  const transactionId = checkTransactionId(request.transactionId);
  const { results } = request;
  if (!Array.isArray(results) || results.length < 1 || results.length > mostResults) {
    throw new IntuneArgumentError('results', `must be an array of 1 to ${mostResults} results`);
  }
  const checked = Array.from(results, (result, index) => checkRevocationResult(`results[${index}]`, result));
  const contexts = new Set<string>();
  for (const [index, { requestContext }] of checked.entries()) {
    if (contexts.has(requestContext)) {
      throw new IntuneArgumentError(`results[${index}].requestContext`, 'occurs twice');
    }
    contexts.add(requestContext);
  }
  return { transactionId, body: { results: checked } };
}

/**
 * Resolves only when Intune answered `{"value": true}`.
 * @throws {IntuneRejectedError} Intune answered false: it has not recorded the results. And what `performAction` throws
 */
export async function performUpload(
  services: IntuneServices,
  { transactionId, body }: UploadAction,
  apiVersion: string,
  call: Call,
): Promise<void> {
  const answer = await performAction(
    services,
    {
      name: 'uploadRevocationResults',
      serviceName: 'PkiConnectorFEService',
      path: 'CertificateAuthorityRequests/uploadRevocationResults',
      apiVersion,
      body,
      // A result says what has become of a request, however often it is said.
      idempotent: true,
    },
    call,
  );
  const recorded = answer.jsonObject()?.['value'];
  if (recorded === false) {
    const { activityId } = call;
    const description = 'it has not recorded the revocation results';
    throw new IntuneRejectedError({ originalCode: 'false', description, transactionId, activityId });
  }
  if (recorded !== true) {
    throw answer.badReply(services.intune.name, 'without saying whether the results are recorded', call);
  }
}
