/**
 * Windows error codes (HRESULT, MS-ERREF 2.1) that describe why a certificate was not issued, as the signed 32-bit
 * integers that `notifyFailure` takes. Intune shows them to the administrator beside the device.
 *
 * @example
 * ```ts
 * await client.notifyFailure({ transactionId, certificateRequest, hResult: hResults.CERTSRV_E_KEY_LENGTH, errorDescription: 'RSA key shorter than 2048 bits' });
 * ```
 */
export const hResults = {
  /** Unspecified failure. */
  E_FAIL: 0x80004005 | 0,
  /** One or more arguments are not valid. */
  E_INVALIDARG: 0x80070057 | 0,
  /** General access denied error. */
  E_ACCESSDENIED: 0x80070005 | 0,
  /** Invalid signature. */
  NTE_BAD_SIGNATURE: 0x80090006 | 0,
  /** Invalid algorithm specified. */
  NTE_BAD_ALGID: 0x80090008 | 0,
  /** The request subject name is invalid or too long. */
  CERTSRV_E_BAD_REQUESTSUBJECT: 0x80094001 | 0,
  /** The request does not exist. */
  CERTSRV_E_NO_REQUEST: 0x80094002 | 0,
  /** The request's current status does not allow this operation. */
  CERTSRV_E_BAD_REQUESTSTATUS: 0x80094003 | 0,
  /** The public key does not meet the minimum size required. */
  CERTSRV_E_KEY_LENGTH: 0x80094811 | 0,
} as const;
