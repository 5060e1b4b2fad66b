import type {
  CertificateIssuanceState,
  Device,
  DeviceReportedState,
  DeviceUser,
  ExtendedKeyUsage,
  HashAlgorithm,
  Platform,
  ProfileKeySize,
  ProfileKeyUsage,
  SubjectAlternativeName,
  SubjectAlternativeNameFormat,
  SubjectNameFormat,
  ValidityPeriodScale,
} from './model.ts';
import type { RevokeStatus } from './revocation-types.ts';

/** Where a SCEP server finds the emulated tenant, and what it signs in with. */
export interface Connection {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The authority's base URL, without the tenant and without a final slash. */
  readonly authorityUrl: string;
  readonly graphUrl: string;
  /** The resource to ask a token for; `/.default` is appended to it. Ends in a slash, as Microsoft's does. */
  readonly intuneResource: string;
  readonly microsoftUrl: string;
  /** Path of the PEM file with the CA of the emulator's TLS certificate; empty without a host. */
  readonly tlsCaFile: string;
  /**
   * Base URL of the managed identity endpoint, plain HTTP: the value for `AZURE_POD_IDENTITY_AUTHORITY_HOST`. Empty
   * without a host.
   */
  readonly managedIdentityUrl: string;
  /** The same in App Service's form: the values for `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`. */
  readonly identityEndpoint: string;
  readonly identityHeader: string;
  readonly managedIdentity: ManagedIdentityIds;
}

/** The one managed identity of this machine, under each of its names. */
export interface ManagedIdentityIds {
  readonly clientId: string;
  /** Also its principal id, the subject of its tokens. */
  readonly objectId: string;
  /** Azure Resource Manager id. */
  readonly resourceId: string;
}

export interface ProfileInput {
  displayName: string;
  platform: Platform;
  scepServerUrls: string[];
  /** Default `custom`, which needs `subjectNameFormatString`. */
  subjectNameFormat?: SubjectNameFormat | undefined;
  subjectNameFormatString?: string | undefined;
  /** Default none. */
  subjectAlternativeNames?: SubjectAlternativeNameFormat[] | undefined;
  /** Default both. */
  keyUsage?: ProfileKeyUsage[] | undefined;
  /** Default 2048. */
  keySize?: ProfileKeySize | undefined;
  /** Default `['sha2']`. */
  hashAlgorithms?: HashAlgorithm[] | undefined;
  /** Default client authentication. */
  extendedKeyUsages?: ExtendedKeyUsage[] | undefined;
  /** Default 1 `years`. */
  certificateValidityPeriodValue?: number | undefined;
  certificateValidityPeriodScale?: ValidityPeriodScale | undefined;
  /** Default 20. */
  renewalThresholdPercentage?: number | undefined;
  /** Default `user`. */
  certificateStore?: 'user' | 'machine' | undefined;
  /** PEM. */
  rootCertificate: string;
}

export interface DeviceInput {
  platform: Platform;
  deviceName: string;
  serialNumber?: string | undefined;
  imei?: string | undefined;
  meid?: string | undefined;
  wifiMacAddress?: string | undefined;
  fullyQualifiedDomainName?: string | undefined;
  /** Default: a fresh GUID. */
  azureADDeviceId?: string | undefined;
  user: Omit<DeviceUser, 'id'> & { id?: string | undefined };
}

/** What Intune hands to a device for one SCEP profile. */
export interface DeployedScepProfile {
  readonly profileId: string;
  readonly displayName: string;
  readonly scepServerUrls: readonly string[];
  /** RFC 4514 text. */
  readonly subjectName: string;
  readonly subjectAlternativeNames: readonly SubjectAlternativeName[];
  readonly keyUsage: readonly ProfileKeyUsage[];
  readonly keySize: ProfileKeySize;
  readonly extendedKeyUsages: readonly ExtendedKeyUsage[];
  readonly hashAlgorithms: readonly HashAlgorithm[];
  readonly renewalThresholdPercentage: number;
  readonly validityPeriod: { readonly value: number; readonly scale: ValidityPeriodScale };
  /** The challenge password for the PKCS#10 request: secret, good for 60 minutes. */
  readonly challenge: string;
  readonly certificateRequestId: string;
  readonly state: CertificateIssuanceState;
}

/** A profile that could not be deployed, such as one with a variable that this device has no value for. */
export interface FailedProfile {
  readonly profileId: string;
  readonly displayName: string;
  readonly reason: string;
}

export interface CheckIn {
  readonly device: Device;
  /** PEM, without duplicates. */
  readonly trustedRootCertificates: readonly string[];
  readonly scepProfiles: readonly DeployedScepProfile[];
  readonly failedProfiles: readonly FailedProfile[];
}

export interface DeviceReport {
  profileId: string;
  state: DeviceReportedState;
  /** SHA-1 hex of the installed certificate. */
  certificateThumbprint?: string | undefined;
  errorCode?: number | undefined;
}

/** One row of Intune's certificate report: the newest request of a device under a profile. */
export interface CertificateReportRow {
  readonly device: { readonly id: string; readonly deviceName: string };
  readonly platform: Platform;
  readonly profile: { readonly id: string; readonly displayName: string };
  readonly userPrincipalName: string;
  readonly certificateRequestId: string;
  readonly certificateIssuanceState: CertificateIssuanceState;
  readonly revokeStatus: RevokeStatus;
  readonly thumbprint?: string | undefined;
  readonly serialNumber?: string | undefined;
  readonly issuer?: string | undefined;
  /** ISO 8601. */
  readonly expires?: string | undefined;
  readonly errorCode?: number | undefined;
  readonly errorDescription?: string | undefined;
  readonly lastModifiedDateTime: string;
}

/** A request for challenges without device and profile, to try any SCEP client with. */
export interface ChallengeInput {
  /** RFC 4514 text. Empty: the request must have no subject. */
  subject: string;
  /** Absent: the request must have none. */
  subjectAlternativeNames?: SubjectAlternativeName[] | undefined;
  /** Absent: any. */
  keyUsage?: ProfileKeyUsage[] | undefined;
  /** Object identifiers. Absent: any. */
  extendedKeyUsages?: string[] | undefined;
  /** RSA bits. Absent: any key. */
  keySize?: number | undefined;
  /** Minutes until the challenge expires, default 60; zero or less gives one that has expired. */
  expiresInMinutes?: number | undefined;
  /** Default 1, at most 1000. */
  count?: number | undefined;
}

export interface Permissions {
  /** Application roles on Microsoft Graph; discovery needs `Application.Read.All`. */
  graph: string[];
  /** Application roles on the Intune API; ScepActions need `scep_challenge_provider`. */
  intune: string[];
}
