/** Finds the certificates that are to be revoked: on request, or because their device, assignment or profile is gone. */
import { EmulatorError } from './errors.ts';
import type { RandomBytes } from './identifiers.ts';
import type { CertificateState, ScepProfile } from './model.ts';
import type { Revocation, RevocationInput, RevocationReason } from './revocation-types.ts';
import type { ReportedCertificate } from './revocations.ts';
import type { EmulatorRecords } from './state.ts';

export interface RevocationOptions {
  records: EmulatorRecords;
  now: () => Date;
  randomBytes: RandomBytes;
}

/**
 * Queues the revocation of one certificate. The caller saves the records.
 *
 * @throws EmulatorError `emulator.not_found` when no success notification has reported such a certificate
 */
export function requestRevocation(input: RevocationInput, options: RevocationOptions): Revocation {
  const { records, now, randomBytes } = options;
  const certificate = 'issuerName' in input ? namedCertificate(input) : findCertificate(input, records);
  if (certificate === undefined) {
    throw new EmulatorError('emulator.not_found', 'No success notification has reported such a certificate.');
  }
  return records.revocations.add(certificate, 'requested', { now: now(), randomBytes });
}

function namedCertificate(input: {
  serialNumber: string;
  issuerName: string;
  caConfiguration?: string | undefined;
}): ReportedCertificate {
  const { serialNumber, issuerName, caConfiguration = '' } = input;
  return { serialNumber, issuerName, caConfiguration };
}

function findCertificate(
  input: Exclude<RevocationInput, { issuerName: string }>,
  records: EmulatorRecords,
): ReportedCertificate | undefined {
  if ('certificateRequestId' in input) return reportedIn(records.certificateState(input.certificateRequestId));
  if ('serialNumber' in input) return bySerialNumber(input.serialNumber, records);
  const newestFirst = issuedUnder(records, (state) => isOf(state, input)).toReversed();
  return reportedIn(newestFirst[0]);
}

function isOf(state: CertificateState, target: { deviceId: string; profileId: string }): boolean {
  return state.deviceId === target.deviceId && state.profileId === target.profileId;
}

/** Certificates for challenges without a device are known by their notification only. */
function bySerialNumber(serialNumber: string, records: EmulatorRecords): ReportedCertificate | undefined {
  const notification = records
    .notifications()
    .findLast((candidate) => candidate.kind === 'success' && candidate.certificateSerialNumber === serialNumber);
  if (notification?.kind !== 'success') {
    return reportedIn(records.certificateStates().find((state) => state.certificateSerialNumber === serialNumber));
  }
  const { certificateRequestId } = notification;
  return {
    serialNumber,
    issuerName: notification.issuingCertificateAuthority,
    caConfiguration: notification.caConfiguration ?? '',
    ...(records.certificateState(certificateRequestId) === undefined ? {} : { certificateRequestId }),
  };
}

function reportedIn(state: CertificateState | undefined): ReportedCertificate | undefined {
  if (state?.certificateSerialNumber === undefined) return undefined;
  return {
    serialNumber: state.certificateSerialNumber,
    issuerName: state.certificateIssuer ?? '',
    caConfiguration: state.caConfiguration ?? '',
    certificateRequestId: state.certificateRequestId,
  };
}

/** Requests that ended with a certificate which nobody has revoked, oldest first. */
function issuedUnder(records: EmulatorRecords, matches: (state: CertificateState) => boolean): CertificateState[] {
  return records
    .certificateStates()
    .filter((state) => state.certificateIssuanceState !== 'revoked' && matches(state))
    .filter(({ certificateSerialNumber }) => certificateSerialNumber !== undefined);
}

/** Queues the revocation of what was issued for something that is going, if the switch for that is on. */
export function revokeOnRemoval(
  target: { deviceId?: string | undefined; profileId?: string | undefined },
  reason: Exclude<RevocationReason, 'requested'>,
  { records, now, randomBytes }: RevocationOptions,
): void {
  if (!records.revocations.settings.revokeOnRemoval) return;
  const { deviceId, profileId } = target;
  const states = issuedUnder(
    records,
    (state) => state.deviceId === (deviceId ?? state.deviceId) && state.profileId === (profileId ?? state.profileId),
  );
  for (const state of states) {
    const certificate = reportedIn(state);
    if (certificate !== undefined) records.revocations.add(certificate, reason, { now: now(), randomBytes });
  }
}

/** Whether devices must enroll anew: for another subject, name, usage, key or validity, not for a new URL or threshold. */
export function needsNewCertificates(before: ScepProfile, after: ScepProfile): boolean {
  const relevant = (profile: ScepProfile) =>
    JSON.stringify([
      profile.subjectNameFormatString,
      profile.subjectAlternativeNames.map(({ sanType, name }) => [sanType, name]),
      profile.extendedKeyUsages.map(({ objectIdentifier }) => objectIdentifier),
      profile.keyUsage,
      profile.keySize,
      profile.certificateValidityPeriodValue,
      profile.certificateValidityPeriodScale,
    ]);
  return relevant(before) !== relevant(after);
}
