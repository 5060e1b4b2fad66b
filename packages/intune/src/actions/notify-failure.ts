import { checkCertificateRequest, checkText, checkTransactionId } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import { cutDescription } from './description.ts';
import type { ScepAction } from './scep-action.ts';

/** Arguments of `notifyFailure`. */
export interface NotifyFailureOptions {
  /** The SCEP transaction id, the same as in `validateRequest`. */
  readonly transactionId: string;
  /** Base64 of the DER-encoded PKCS #10 request. */
  readonly certificateRequest: string;
  /** Windows error code as a signed or an unsigned 32-bit integer, sent as signed; see `hResults`. */
  readonly hResult: number;
  /** What went wrong, for the administrator; cut to 255 UTF-16 units. No secrets: it is shown in Intune. */
  readonly errorDescription: string;
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export function notifyFailureAction(request: NotifyFailureOptions, callerInfo: string): ScepAction {
  const transactionId = checkTransactionId(request.transactionId);
  const certificateRequest = checkCertificateRequest(request.certificateRequest);
  const errorDescription = checkText('errorDescription', request.errorDescription, { maximumLength: 1024 * 1024 });
  return {
    name: 'failureNotification',
    transactionId,
    certificateRequest,
    body: {
      notification: {
        transactionId,
        certificateRequest,
        hResult: toSignedHResult(request.hResult),
        errorDescription: cutDescription(errorDescription),
        callerInfo,
      },
    },
  };
}

function toSignedHResult(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < -0x8000_0000 || value > 0xffff_ffff) {
    throw new IntuneArgumentError('hResult', 'must be a 32-bit integer');
  }
  return value | 0;
}
