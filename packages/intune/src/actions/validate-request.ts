import { checkCertificateRequest, checkTransactionId } from '../arguments.ts';
import type { ScepAction } from './scep-action.ts';

/** Arguments of `validateRequest`. */
export interface ValidateRequestOptions {
  /** The SCEP transaction id. */
  readonly transactionId: string;
  /** Base64 of the DER-encoded PKCS #10 request, which holds the challenge. */
  readonly certificateRequest: string;
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export function validateRequestAction(request: ValidateRequestOptions, callerInfo: string): ScepAction {
  const transactionId = checkTransactionId(request.transactionId);
  const certificateRequest = checkCertificateRequest(request.certificateRequest);
  return {
    name: 'validateRequest',
    transactionId,
    certificateRequest,
    body: { request: { transactionId, certificateRequest, callerInfo } },
  };
}
