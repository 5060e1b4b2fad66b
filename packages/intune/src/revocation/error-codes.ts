/** Why a certificate was not revoked, as Intune's PkiConnectorFEService knows it; the names are what is sent. */
export type RevocationErrorCode =
  | 'NonRetryableServiceException'
  | 'DataSerializationError'
  | 'ParameterDataInvalidError'
  | 'CryptographyError'
  | 'CertificateNotFoundError'
  | 'ConflictError'
  | 'NotSupportedError'
  | 'PayloadTooLargeError'
  | 'RetryableServiceException'
  | 'ServiceUnavailableException'
  | 'ServiceTooBusyException'
  | 'AuthenticationException';

/** What a code says to Intune. */
export interface RevocationErrorDescription {
  /** Microsoft's number for it (`CARequestErrorCodes` in Java, `CARequestErrorCode` in C#). */
  readonly number: number;
  /** Whether Intune hands the request out again. After any other code it takes the revocation for failed for good. */
  readonly retryable: boolean;
  /** One sentence: when to use it. */
  readonly meaning: string;
}

/**
 * Every code with its number, and whether Intune will ask again.
 *
 * @example
 * ```ts
 * const outcome = { succeeded: false, errorCode: 'CertificateNotFoundError' } as const;
 * revocationErrorCodes[outcome.errorCode].retryable; // false: Intune does not ask again.
 * ```
 */
export const revocationErrorCodes: Readonly<Record<RevocationErrorCode, RevocationErrorDescription>> = {
  NonRetryableServiceException: {
    number: 4000,
    retryable: false,
    meaning: 'The CA refuses for good, for a reason that no other code names.',
  },
  DataSerializationError: {
    number: 4001,
    retryable: false,
    meaning: 'The request could not be read.',
  },
  ParameterDataInvalidError: {
    number: 4002,
    retryable: false,
    meaning: 'The request could be read, and one of its values is not valid.',
  },
  CryptographyError: {
    number: 4003,
    retryable: false,
    meaning: 'A cryptographic operation failed while the CA fulfilled the request.',
  },
  CertificateNotFoundError: {
    number: 4004,
    retryable: false,
    meaning: 'The CA has issued no certificate with this serial number.',
  },
  ConflictError: {
    number: 4005,
    retryable: false,
    meaning: "The request conflicts with the certificate's state, or more than one certificate fits it.",
  },
  NotSupportedError: {
    number: 4006,
    retryable: false,
    meaning: 'The CA does not support the request.',
  },
  PayloadTooLargeError: {
    number: 4007,
    retryable: false,
    meaning: 'The request is larger than the CA allows.',
  },
  RetryableServiceException: {
    number: 4100,
    retryable: true,
    meaning: 'The CA failed for a reason that may pass, and that no other code names.',
  },
  ServiceUnavailableException: {
    number: 4101,
    retryable: true,
    meaning: 'The CA cannot be reached at present.',
  },
  ServiceTooBusyException: {
    number: 4102,
    retryable: true,
    meaning: 'The CA has too much to do at present.',
  },
  AuthenticationException: {
    number: 4103,
    retryable: true,
    meaning: 'The CA did not accept the credentials of the service that forwards revocations.',
  },
};

export function isRevocationErrorCode(value: unknown): value is RevocationErrorCode {
  return typeof value === 'string' && Object.hasOwn(revocationErrorCodes, value);
}
