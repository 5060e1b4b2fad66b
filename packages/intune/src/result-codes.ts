/**
 * What Intune's SCEP validation answers in `code`: all values that Microsoft's reference clients name.
 * An answer counts as success when its code is `Success`, in any letter case; everything else is a rejection.
 */
export type IntuneResultCode =
  | 'Unknown'
  | 'Success'
  | 'CertificateRequestDecodingFailed'
  | 'ChallengePasswordMissing'
  | 'ChallengeDeserializationError'
  | 'ChallengeDecryptionError'
  | 'ChallengeDecodingError'
  | 'ChallengeInvalidTimestamp'
  | 'ChallengeExpired'
  | 'SubjectNameMissing'
  | 'SubjectNameMismatch'
  | 'SubjectAltNameMissing'
  | 'SubjectAltNameMismatch'
  | 'KeyUsageMismatch'
  | 'KeyLengthMismatch'
  | 'EnhancedKeyUsageMissing'
  | 'EnhancedKeyUsageMismatch'
  | 'AadKeyIdentifierListMissing'
  | 'RegisteredKeyMismatch'
  | 'SigningCertThumbprintMismatch'
  | 'ScepProfileNoLongerTargetedToTheClient'
  | 'SignatureValidationFailed'
  | 'BadCertificateRequestIdInChallenge'
  | 'BadDeviceIdInChallenge'
  | 'BadUserIdInChallenge';

/** What a result code says, and what the administrator who reads it can do. */
export interface ResultCodeDescription {
  /** One sentence: what Intune found. */
  readonly meaning: string;
  /** One or two sentences: what to look at first. */
  readonly advice: string;
}

const newChallenge = 'Let the device synchronise with Intune, so that it receives a fresh challenge, and enroll again.';
const compareProfile =
  "Compare the request with the device's SCEP profile in Intune; after a change of the profile let the device synchronise first.";
const foreignChallenge =
  'The challenge was altered, or made for another tenant: check that the connection names the tenant whose profile the device has.';

/**
 * The 25 result codes, with their meaning and advice.
 *
 * @example
 * ```ts
 * resultCodes.ChallengeExpired.advice;
 * ```
 */
export const resultCodes: Readonly<Record<IntuneResultCode, ResultCodeDescription>> = {
  Unknown: {
    meaning: 'Intune could not say what was wrong.',
    advice: 'Read the description, try again later, and give the activity id to Microsoft support if it stays.',
  },
  Success: { meaning: 'Intune accepted the request.', advice: 'Nothing to do.' },
  CertificateRequestDecodingFailed: {
    meaning: 'Intune could not decode the certificate request.',
    advice: 'The request must be the base64 of a DER-encoded PKCS #10 request, unchanged as the device sent it.',
  },
  ChallengePasswordMissing: {
    meaning: 'The certificate request carries no challenge password.',
    advice: 'The device was not configured by an Intune SCEP profile, or the attribute was lost on the way here.',
  },
  ChallengeDeserializationError: {
    meaning: 'The decrypted challenge could not be read.',
    advice: foreignChallenge,
  },
  ChallengeDecryptionError: { meaning: 'The challenge could not be decrypted.', advice: foreignChallenge },
  ChallengeDecodingError: {
    meaning: 'The challenge is not in the form that Intune issues.',
    advice: 'It is truncated, or was not made by Intune: a device with a static challenge uses the wrong URL.',
  },
  ChallengeInvalidTimestamp: {
    meaning: 'The times in the challenge make no sense.',
    advice: newChallenge,
  },
  ChallengeExpired: {
    meaning: 'The challenge is older than Intune allows, which is 60 minutes.',
    advice: `${newChallenge} If it happens in bursts, requests wait too long before they are validated.`,
  },
  SubjectNameMissing: { meaning: 'The certificate request has no subject name.', advice: compareProfile },
  SubjectNameMismatch: {
    meaning: 'The subject name is not the one that the SCEP profile gives this device.',
    advice: `${compareProfile} Characters that need escaping in a common name are a known cause.`,
  },
  SubjectAltNameMissing: {
    meaning: 'The SCEP profile demands a subject alternative name that the request lacks.',
    advice: compareProfile,
  },
  SubjectAltNameMismatch: {
    meaning: 'The subject alternative names are not those that the SCEP profile gives this device.',
    advice: compareProfile,
  },
  KeyUsageMismatch: { meaning: 'The key usage is not the one of the SCEP profile.', advice: compareProfile },
  KeyLengthMismatch: { meaning: 'The key length is not the one of the SCEP profile.', advice: compareProfile },
  EnhancedKeyUsageMissing: {
    meaning: 'The SCEP profile demands an extended key usage that the request lacks.',
    advice: compareProfile,
  },
  EnhancedKeyUsageMismatch: {
    meaning: 'The extended key usages are not those of the SCEP profile.',
    advice: compareProfile,
  },
  AadKeyIdentifierListMissing: {
    meaning: 'Intune knows no Entra device key to compare the request with.',
    advice: 'Check that the device is registered in Microsoft Entra ID, and synchronise it.',
  },
  RegisteredKeyMismatch: {
    meaning: 'The key in the request is not the one registered for the device.',
    advice: 'Somebody may be using the challenge of another device. Check the device before enrolling it again.',
  },
  SigningCertThumbprintMismatch: {
    meaning: 'The challenge names another signing certificate than the one Intune uses.',
    advice: newChallenge,
  },
  ScepProfileNoLongerTargetedToTheClient: {
    meaning: 'The SCEP profile is no longer assigned to this device or user.',
    advice: 'Check the assignment of the profile, its groups and filters; then synchronise the device.',
  },
  SignatureValidationFailed: {
    meaning: "The signature of the challenge is not Intune's.",
    advice: `${foreignChallenge} Seen repeatedly, somebody may be forging challenges.`,
  },
  BadCertificateRequestIdInChallenge: {
    meaning: 'The challenge names a certificate request that Intune does not know.',
    advice: newChallenge,
  },
  BadDeviceIdInChallenge: {
    meaning: 'The challenge names a device that Intune does not know.',
    advice: 'The device may have been removed or enrolled anew in Intune. Synchronise it, or enroll it again.',
  },
  BadUserIdInChallenge: {
    meaning: 'The challenge names a user that Intune does not know.',
    advice: 'The user may have been removed or lost the licence. Check the user in Microsoft Entra ID.',
  },
};

const codesByLowerCase: ReadonlyMap<string, IntuneResultCode> = new Map(
  (Object.keys(resultCodes) as IntuneResultCode[]).map((code) => [code.toLowerCase(), code]),
);

/** The known code behind what Intune wrote, in any letter case; `undefined` when it is none of the 25. */
export function parseResultCode(original: string): IntuneResultCode | undefined {
  return codesByLowerCase.get(original.toLowerCase());
}
