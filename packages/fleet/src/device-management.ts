import type { Platform } from './platforms/habits.ts';

/** One alternative name as a device management's SCEP profile states it. */
export interface ProfileAlternativeName {
  readonly sanType: 'emailAddress' | 'userPrincipalName' | 'domainNameService' | 'universalResourceIdentifier';
  readonly value: string;
}

/** A SCEP profile as it reaches one device: every variable already replaced, and a challenge for one request. */
export interface DeviceScepProfile {
  readonly profileId: string;
  readonly displayName: string;
  readonly scepServerUrls: readonly string[];
  /** RFC 4514 text such as `CN=anna,O=Contoso`. */
  readonly subjectName: string;
  readonly subjectAlternativeNames: readonly ProfileAlternativeName[];
  readonly keyUsage: readonly ('digitalSignature' | 'keyEncipherment')[];
  /** RSA modulus in bits. */
  readonly keySize: number;
  readonly extendedKeyUsages: readonly { readonly name: string; readonly objectIdentifier: string }[];
  readonly validityPeriod: { readonly value: number; readonly scale: 'days' | 'months' | 'years' };
  readonly challenge: string;
}

/** What a device learns when it checks in. */
export interface CheckIn {
  readonly device: { readonly platform: Platform; readonly deviceName: string };
  /** PEM certificates that the management pushed as trust anchors. */
  readonly trustedRootCertificates: readonly string[];
  readonly scepProfiles: readonly DeviceScepProfile[];
  /** Profiles that the management could not deliver, such as one with a variable this device has no value for. */
  readonly failedProfiles?: readonly FailedProfile[];
}

/** A SCEP profile that is assigned to the device and did not reach it. */
export interface FailedProfile {
  readonly profileId: string;
  readonly displayName: string;
  readonly reason: string;
}

/** The states of `certificateIssuanceState` that a device itself can report. */
export type ReportedState =
  | 'installed'
  | 'installFailed'
  | 'requestCreationFailed'
  | 'requestSubmitFailed'
  | 'responsePending'
  | 'responseProcessingFailed';

/** What a device tells its management about one SCEP profile. */
export interface DeviceReport {
  readonly profileId: string;
  readonly state: ReportedState;
  /** SHA-1 over the DER certificate, upper-case hexadecimal. */
  readonly certificateThumbprint?: string;
  readonly errorCode?: number;
}

/**
 * The device management that a simulated device belongs to.
 *
 * The Intune emulator's control client satisfies it; so can anything else that hands out SCEP profiles. Both methods
 * reject when the management cannot be reached or refuses; the device takes that as a failed step.
 */
export interface DeviceManagement {
  checkIn(deviceId: string): Promise<CheckIn>;
  report(deviceId: string, report: DeviceReport): Promise<unknown>;
}
