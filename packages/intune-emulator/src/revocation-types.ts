/** Revocation requests: certificates that Intune wants the CA to revoke, and how that ended. */

/** Every error code of `uploadRevocationResults`: its number on the wire, and whether Intune asks again. */
export const revocationErrorCodes = {
  None: { number: 0, retryable: false },
  NonRetryableServiceException: { number: 4000, retryable: false },
  DataSerializationError: { number: 4001, retryable: false },
  ParameterDataInvalidError: { number: 4002, retryable: false },
  CryptographyError: { number: 4003, retryable: false },
  CertificateNotFoundError: { number: 4004, retryable: false },
  ConflictError: { number: 4005, retryable: false },
  NotSupportedError: { number: 4006, retryable: false },
  PayloadTooLargeError: { number: 4007, retryable: false },
  RetryableServiceException: { number: 4100, retryable: true },
  ServiceUnavailableException: { number: 4101, retryable: true },
  ServiceTooBusyException: { number: 4102, retryable: true },
  AuthenticationException: { number: 4103, retryable: true },
} as const satisfies Record<string, { number: number; retryable: boolean }>;
export type RevocationErrorName = keyof typeof revocationErrorCodes;

export const revocationErrorNames = Object.keys(revocationErrorCodes) as readonly RevocationErrorName[];

/** `downloaded`: handed to the CA, which has not answered yet. */
export const revocationStates = ['pending', 'downloaded', 'revoked', 'failed'] as const;
export type RevocationState = (typeof revocationStates)[number];

/** Why Intune wants a certificate revoked. */
export const revocationReasons = [
  'requested',
  'deviceDeleted',
  'unassigned',
  'profileDeleted',
  'profileChanged',
] as const;
export type RevocationReason = (typeof revocationReasons)[number];

/** One revocation request with its history. */
export interface Revocation {
  /** Opaque: the CA gives it back with its result. */
  readonly requestContext: string;
  /** The three members that the CA is shown, as its success notification gave them. */
  readonly serialNumber: string;
  readonly issuerName: string;
  readonly caConfiguration: string;
  /** Absent for a certificate that belongs to no device. */
  readonly certificateRequestId?: string | undefined;
  readonly reason: RevocationReason;
  readonly state: RevocationState;
  readonly requestedDateTime: string;
  readonly timesDownloaded: number;
  /** The last time. */
  readonly downloadedDateTime?: string | undefined;
  /** How often a result came for it, repeated ones included. */
  readonly timesAnswered: number;
  /** The first time of the current result. */
  readonly answeredDateTime?: string | undefined;
  /** Of the last result, if it was a failure. */
  readonly errorCode?: RevocationErrorName | undefined;
  readonly errorMessage?: string | undefined;
}

/** Certificate report: how the revocation of a certificate stands; `issued` means that the CA has the request. */
export type RevokeStatus = 'none' | 'pending' | 'issued' | 'failed' | 'revoked';

/** Which certificate to revoke. */
export type RevocationInput =
  /** By the serial number that a success notification reported; found by exactly that text. */
  | { serialNumber: string }
  /** Any certificate, known or not; the three texts are sent as they are here. */
  | { serialNumber: string; issuerName: string; caConfiguration?: string | undefined }
  /** The newest certificate of a device under a profile. */
  | { deviceId: string; profileId: string }
  | { certificateRequestId: string };

export type CoolDownAnswer = 'throttled' | 'emptyList';

export interface RevocationSettings {
  /** Minutes that must pass between two downloads; 0 switches the cool-down off. Microsoft says 60. */
  readonly coolDownMinutes: number;
  /** How a download within the cool-down is answered: 429 with `Retry-After`, or an empty list. Absent: 429. */
  readonly coolDownAnswer?: CoolDownAnswer | undefined;
  /** Whether a device, an assignment or a profile that goes or changes has its certificates revoked. */
  readonly revokeOnRemoval: boolean;
  /** ISO 8601; the cool-down counts from here. */
  readonly lastDownloadDateTime?: string | undefined;
}
