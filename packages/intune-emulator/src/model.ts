/**
 * What the emulator remembers: one tenant with its application, SCEP profiles, devices with their users, assignments,
 * certificate states and received notifications. Every record is immutable: a change replaces it.
 */
import type { ApplicationCredentials } from './credential-types.ts';
import type { Revocation, RevocationSettings } from './revocation-types.ts';

/** The device platforms of Microsoft's scenario matrix. */
export const platforms = ['windows', 'ios', 'macos', 'android', 'androidEnterprise'] as const;
export type Platform = (typeof platforms)[number];

/** Kinds of subject alternative name a SCEP profile can ask for (Graph `subjectAlternativeNameType`). */
export const subjectAlternativeNameTypes = [
  'emailAddress',
  'userPrincipalName',
  'domainNameService',
  'universalResourceIdentifier',
] as const;
export type SubjectAlternativeNameType = (typeof subjectAlternativeNameTypes)[number];

/** A subject alternative name in a profile: `name` may hold variables such as `{{UserPrincipalName}}`. */
export interface SubjectAlternativeNameFormat {
  readonly sanType: SubjectAlternativeNameType;
  readonly name: string;
}

/** A subject alternative name for one device, with its variables filled in. */
export interface SubjectAlternativeName {
  readonly sanType: SubjectAlternativeNameType;
  readonly value: string;
}

export type ProfileKeyUsage = 'digitalSignature' | 'keyEncipherment';
export type ProfileKeySize = 1024 | 2048 | 4096;
export type HashAlgorithm = 'sha1' | 'sha2';
export type ValidityPeriodScale = 'days' | 'months' | 'years';

export interface ExtendedKeyUsage {
  readonly name: string;
  /** Dotted decimal, such as `1.3.6.1.5.5.7.3.2`. */
  readonly objectIdentifier: string;
}

/** Graph `subjectNameFormat`; all but `custom` stand for a fixed format string. */
export const subjectNameFormats = [
  'custom',
  'commonName',
  'commonNameIncludingEmail',
  'commonNameAsEmail',
  'commonNameAsIMEI',
  'commonNameAsSerialNumber',
  'commonNameAsAadDeviceId',
  'commonNameAsIntuneDeviceId',
] as const;
export type SubjectNameFormat = (typeof subjectNameFormats)[number];

/** A SCEP certificate profile, after Graph's `…ScepCertificateProfile` types. */
export interface ScepProfile {
  readonly id: string;
  readonly displayName: string;
  readonly platform: Platform;
  readonly scepServerUrls: readonly string[];
  readonly subjectNameFormat: SubjectNameFormat;
  /** RFC 4514 text with variables, such as `CN={{UserName}},O=Contoso`. */
  readonly subjectNameFormatString: string;
  readonly subjectAlternativeNames: readonly SubjectAlternativeNameFormat[];
  readonly keyUsage: readonly ProfileKeyUsage[];
  readonly keySize: ProfileKeySize;
  readonly hashAlgorithms: readonly HashAlgorithm[];
  readonly extendedKeyUsages: readonly ExtendedKeyUsage[];
  readonly certificateValidityPeriodValue: number;
  readonly certificateValidityPeriodScale: ValidityPeriodScale;
  readonly renewalThresholdPercentage: number;
  readonly certificateStore: 'user' | 'machine';
  /** PEM of the trusted root certificate profile that this profile links to. */
  readonly rootCertificate: string;
  readonly createdDateTime: string;
  readonly lastModifiedDateTime: string;
  readonly version: number;
}

export interface DeviceUser {
  readonly id: string;
  readonly userName: string;
  readonly userPrincipalName: string;
  readonly emailAddress?: string | undefined;
  readonly onPremisesSamAccountName?: string | undefined;
  readonly onPremisesDistinguishedName?: string | undefined;
  readonly onPremisesSecurityIdentifier?: string | undefined;
}

export interface Device {
  /** Intune's device id. */
  readonly id: string;
  /** Entra's device id. */
  readonly azureADDeviceId: string;
  readonly platform: Platform;
  readonly deviceName: string;
  readonly serialNumber?: string | undefined;
  readonly imei?: string | undefined;
  readonly meid?: string | undefined;
  readonly wifiMacAddress?: string | undefined;
  readonly fullyQualifiedDomainName?: string | undefined;
  readonly user: DeviceUser;
}

export interface Assignment {
  readonly profileId: string;
  readonly deviceId: string;
}

/** Graph `certificateIssuanceState`. */
export const certificateIssuanceStates = [
  'unknown',
  'challengeIssued',
  'challengeIssueFailed',
  'requestCreationFailed',
  'requestSubmitFailed',
  'challengeValidationSucceeded',
  'challengeValidationFailed',
  'issueFailed',
  'issuePending',
  'issued',
  'responseProcessingFailed',
  'responsePending',
  'enrollmentSucceeded',
  'enrollmentNotNeeded',
  'revoked',
  'removedFromCollection',
  'renewVerified',
  'installFailed',
  'installed',
  'deleteFailed',
  'deleted',
  'renewalRequested',
  'requested',
] as const;
export type CertificateIssuanceState = (typeof certificateIssuanceStates)[number];

/** The states that a device itself can report; the others come from Intune. */
export const deviceReportedStates = [
  'requestCreationFailed',
  'requestSubmitFailed',
  'responseProcessingFailed',
  'responsePending',
  'enrollmentSucceeded',
  'enrollmentNotNeeded',
  'installFailed',
  'installed',
  'deleteFailed',
  'deleted',
] as const satisfies readonly CertificateIssuanceState[];
export type DeviceReportedState = (typeof deviceReportedStates)[number];

/** One certificate request of one device under one profile, as Intune's report knows it. */
export interface CertificateState {
  readonly certificateRequestId: string;
  readonly deviceId: string;
  readonly profileId: string;
  readonly certificateIssuanceState: CertificateIssuanceState;
  /** SHA-1 of the certificate, upper-case hex. */
  readonly certificateThumbprint?: string | undefined;
  /** As the success notification gave it: decimal or hex, unchanged. */
  readonly certificateSerialNumber?: string | undefined;
  readonly certificateIssuer?: string | undefined;
  /** As the success notification gave it. */
  readonly caConfiguration?: string | undefined;
  /** ISO 8601. */
  readonly certificateExpirationDateTime?: string | undefined;
  readonly certificateErrorCode?: number | undefined;
  /** Why the last validation or issuance failed, in words. */
  readonly errorDescription?: string | undefined;
  readonly requestedDateTime: string;
  readonly lastModifiedDateTime: string;
}

interface ReceivedNotificationBase {
  /** As sent; one that is longer than 256 characters is kept as `sha256:` and its digest, since it may be a challenge. */
  readonly transactionId: string;
  /** SHA-256 of the base64 text of the request, lower-case hex. The request itself holds the challenge. */
  readonly certificateRequestSha256: string;
  readonly certificateRequestId: string;
  readonly callerInfo: string;
  readonly activityId: string;
  readonly receivedDateTime: string;
  /** Later deliveries of the same notification only raise this count. */
  readonly timesReceived: number;
}

export interface ReceivedSuccessNotification extends ReceivedNotificationBase {
  readonly kind: 'success';
  readonly certificateThumbprint: string;
  readonly certificateSerialNumber: string;
  readonly certificateExpirationDateUtc: string;
  readonly issuingCertificateAuthority: string;
  readonly caConfiguration?: string | undefined;
  readonly certificateAuthority?: string | undefined;
}

export interface ReceivedFailureNotification extends ReceivedNotificationBase {
  readonly kind: 'failure';
  /** As a signed 32-bit number, whichever form was sent. */
  readonly hResult: number;
  readonly errorDescription: string;
}

export type ReceivedNotification = ReceivedSuccessNotification | ReceivedFailureNotification;

export interface Tenant {
  readonly tenantId: string;
  readonly tenantName: string;
  /** The one application registered in the tenant, with the roles an administrator has consented to. */
  readonly clientId: string;
  readonly graphRoles: readonly string[];
  readonly intuneRoles: readonly string[];
}

/** Everything that survives a restart, except the secrets. */
export interface EmulatorState {
  readonly formatVersion: 1;
  readonly tenant: Tenant;
  readonly profiles: readonly ScepProfile[];
  readonly devices: readonly Device[];
  readonly assignments: readonly Assignment[];
  readonly certificateStates: readonly CertificateState[];
  readonly notifications: readonly ReceivedNotification[];
  /** Absent in the files of earlier versions, as is what follows. */
  readonly revocations?: readonly Revocation[] | undefined;
  readonly revocationSettings?: RevocationSettings | undefined;
  readonly credentials?: ApplicationCredentials | undefined;
}
