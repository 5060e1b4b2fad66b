import { checkCertificateRequest, checkDate, checkText, checkTransactionId } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import type { ScepAction } from './scep-action.ts';

/** Intune's limit on names of authorities. */
const longestName = 256;

/** Arguments of `notifySuccess`. */
export interface NotifySuccessOptions {
  /** The SCEP transaction id, the same as in `validateRequest`. */
  readonly transactionId: string;
  /** Base64 of the DER-encoded PKCS #10 request. */
  readonly certificateRequest: string;
  /** SHA-1 of the issued certificate, 40 hex digits; sent in upper case. */
  readonly certificateThumbprint: string;
  /** Serial number of the issued certificate in hex, sent as given. Revocation requests hand it back. */
  readonly certificateSerialNumber: string;
  /** End of the certificate's validity. */
  readonly certificateExpirationDateUtc: Date;
  /** Name of the CA that issued, at most 256 characters. */
  readonly issuingCertificateAuthority: string;
  /**
   * Handed back by Intune in revocation requests, at most 256 characters. Default: `issuingCertificateAuthority`,
   * because Intune's filter of revocation requests by issuer has been seen to compare this field.
   */
  readonly caConfiguration?: string;
  /** At most 256 characters. Default: empty, as other implementations send it. */
  readonly certificateAuthority?: string;
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export function notifySuccessAction(request: NotifySuccessOptions, callerInfo: string): ScepAction {
  const transactionId = checkTransactionId(request.transactionId);
  const certificateRequest = checkCertificateRequest(request.certificateRequest);
  const issuingCertificateAuthority = checkText('issuingCertificateAuthority', request.issuingCertificateAuthority, {
    maximumLength: longestName,
  });
  const optionalName = { maximumLength: longestName, mayBeEmpty: true };
  return {
    name: 'successNotification',
    transactionId,
    certificateRequest,
    body: {
      notification: {
        transactionId,
        certificateRequest,
        certificateThumbprint: checkThumbprint(request.certificateThumbprint),
        certificateSerialNumber: checkSerialNumber(request.certificateSerialNumber),
        certificateExpirationDateUtc: checkDate(
          'certificateExpirationDateUtc',
          request.certificateExpirationDateUtc,
        ).toISOString(),
        issuingCertificateAuthority,
        callerInfo,
        caConfiguration: checkText(
          'caConfiguration',
          request.caConfiguration ?? issuingCertificateAuthority,
          optionalName,
        ),
        certificateAuthority: checkText('certificateAuthority', request.certificateAuthority ?? '', optionalName),
      },
    },
  };
}

function checkThumbprint(value: unknown): string {
  const text = checkText('certificateThumbprint', value, { maximumLength: 40 });
  if (!/^[0-9A-Fa-f]{40}$/.test(text)) {
    throw new IntuneArgumentError('certificateThumbprint', 'must be the SHA-1 of the certificate in 40 hex digits');
  }
  return text.toUpperCase();
}

function checkSerialNumber(value: unknown): string {
  const text = checkText('certificateSerialNumber', value, { maximumLength: 64 });
  if (!/^[0-9A-Fa-f]+$/.test(text)) {
    throw new IntuneArgumentError('certificateSerialNumber', 'must be hex digits');
  }
  return text;
}
