/** The result codes of `ScepRequestValidationFEService` that the emulator's own logic can give. Faults can give any. */
export type ScepResultCode =
  | 'Success'
  | 'CertificateRequestDecodingFailed'
  | 'ChallengePasswordMissing'
  | 'ChallengeDeserializationError'
  | 'SignatureValidationFailed'
  | 'ChallengeDecryptionError'
  | 'ChallengeDecodingError'
  | 'ChallengeInvalidTimestamp'
  | 'ChallengeExpired'
  | 'BadCertificateRequestIdInChallenge'
  | 'BadDeviceIdInChallenge'
  | 'BadUserIdInChallenge'
  | 'ScepProfileNoLongerTargetedToTheClient'
  | 'SubjectNameMissing'
  | 'SubjectNameMismatch'
  | 'SubjectAltNameMissing'
  | 'SubjectAltNameMismatch'
  | 'KeyUsageMismatch'
  | 'KeyLengthMismatch'
  | 'EnhancedKeyUsageMissing'
  | 'EnhancedKeyUsageMismatch';

/** The answer to a ScepActions call that Intune understood and refuses: HTTP 200 with a code other than Success. */
export class ScepRejection extends Error {
  override readonly name = 'ScepRejection';
  readonly code: Exclude<ScepResultCode, 'Success'>;

  constructor(code: Exclude<ScepResultCode, 'Success'>, description: string) {
    super(description);
    this.code = code;
  }
}
