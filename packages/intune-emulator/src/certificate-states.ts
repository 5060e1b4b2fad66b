/** How one request moves through Intune's `certificateIssuanceState`, and the report that shows it. */
import type { CertificateReportRow, DeviceReport } from './control-types.ts';
import { EmulatorError } from './errors.ts';
import type {
  CertificateIssuanceState,
  CertificateState,
  ReceivedFailureNotification,
  ReceivedSuccessNotification,
} from './model.ts';
import type { ScepRejection } from './result-codes.ts';
import type { Revocation, RevocationState, RevokeStatus } from './revocation-types.ts';
import type { EmulatorRecords } from './state.ts';

/** Before a certificate exists. Once it does, a repeated or abused validation says nothing about it. */
const statesBeforeIssue: ReadonlySet<CertificateIssuanceState> = new Set([
  'challengeIssued',
  'challengeValidationSucceeded',
  'challengeValidationFailed',
  'issueFailed',
  'requestCreationFailed',
  'requestSubmitFailed',
]);

/** What a device may have said before the server's notification got through. */
const statesBeforeNotification: ReadonlySet<CertificateIssuanceState> = new Set([
  ...statesBeforeIssue,
  'responsePending',
  'responseProcessingFailed',
]);

/** Records the verdict on a request. Returns whether that changed anything: an unbound challenge has no state. */
export function recordValidation(
  records: EmulatorRecords,
  certificateRequestId: string,
  rejection: ScepRejection | undefined,
  now: Date,
): boolean {
  return change(records, certificateRequestId, statesBeforeIssue, now.toISOString(), {
    certificateIssuanceState: rejection === undefined ? 'challengeValidationSucceeded' : 'challengeValidationFailed',
    errorDescription: rejection === undefined ? undefined : `${rejection.code}: ${rejection.message}`,
  });
}

export function recordIssued(records: EmulatorRecords, notification: ReceivedSuccessNotification): void {
  const current = records.certificateState(notification.certificateRequestId);
  const alreadyReported = current !== undefined && !statesBeforeNotification.has(current.certificateIssuanceState);
  change(records, notification.certificateRequestId, undefined, notification.receivedDateTime, {
    certificateIssuanceState: alreadyReported ? current.certificateIssuanceState : 'issued',
    certificateThumbprint: notification.certificateThumbprint,
    certificateSerialNumber: notification.certificateSerialNumber,
    certificateIssuer: notification.issuingCertificateAuthority,
    caConfiguration: notification.caConfiguration,
    certificateExpirationDateTime: notification.certificateExpirationDateUtc,
    certificateErrorCode: undefined,
    errorDescription: undefined,
  });
}

export function recordFailure(records: EmulatorRecords, notification: ReceivedFailureNotification): void {
  change(records, notification.certificateRequestId, statesBeforeIssue, notification.receivedDateTime, {
    certificateIssuanceState: 'issueFailed',
    certificateErrorCode: notification.hResult,
    errorDescription: notification.errorDescription,
  });
}

const statesOfSuccess: ReadonlySet<CertificateIssuanceState> = new Set(['enrollmentSucceeded', 'installed']);

/**
 * Records what a device says of its newest request under a profile.
 *
 * @throws EmulatorError `emulator.not_found` when the device never got a challenge for that profile
 */
export function recordDeviceReport(records: EmulatorRecords, deviceId: string, report: DeviceReport, now: Date): void {
  const current = records.newestCertificateState({ deviceId, profileId: report.profileId });
  if (current === undefined) {
    throw new EmulatorError('emulator.not_found', 'This device has not received a challenge for that profile.');
  }
  change(records, current.certificateRequestId, undefined, now.toISOString(), {
    certificateIssuanceState: report.state,
    certificateThumbprint: report.certificateThumbprint ?? current.certificateThumbprint,
    certificateErrorCode: report.errorCode,
    // Why it failed earlier stays readable until it has worked.
    errorDescription: statesOfSuccess.has(report.state) ? undefined : current.errorDescription,
  });
}

/** A certificate that the CA has revoked is in state `revoked`; one that it could not revoke stays as it is. */
export function recordRevocation(records: EmulatorRecords, revocation: Revocation, now: Date): void {
  const { certificateRequestId, state } = revocation;
  if (certificateRequestId === undefined || state !== 'revoked') return;
  change(records, certificateRequestId, undefined, now.toISOString(), { certificateIssuanceState: 'revoked' });
}

function change(
  records: EmulatorRecords,
  certificateRequestId: string,
  from: ReadonlySet<CertificateIssuanceState> | undefined,
  lastModifiedDateTime: string,
  changes: Partial<CertificateState>,
): boolean {
  const current = records.certificateState(certificateRequestId);
  if (current === undefined) return false;
  if (from !== undefined && !from.has(current.certificateIssuanceState)) return false;
  records.putCertificateState({ ...current, ...changes, lastModifiedDateTime });
  return true;
}

/** Intune's certificate report: one row for each device and profile, from its newest request. */
export function certificateReport(records: EmulatorRecords): CertificateReportRow[] {
  const revocations = new Map(records.revocations.list().map((request) => [request.certificateRequestId, request]));
  return records.newestCertificateStates().flatMap((state) => {
    const device = records.device(state.deviceId);
    const profile = records.profile(state.profileId);
    if (device === undefined || profile === undefined) return [];
    return {
      device: { id: device.id, deviceName: device.deviceName },
      platform: device.platform,
      profile: { id: profile.id, displayName: profile.displayName },
      userPrincipalName: device.user.userPrincipalName,
      certificateRequestId: state.certificateRequestId,
      certificateIssuanceState: state.certificateIssuanceState,
      revokeStatus: revokeStatus(revocations.get(state.certificateRequestId)),
      thumbprint: state.certificateThumbprint,
      serialNumber: state.certificateSerialNumber,
      issuer: state.certificateIssuer,
      expires: state.certificateExpirationDateTime,
      errorCode: state.certificateErrorCode,
      errorDescription: state.errorDescription,
      lastModifiedDateTime: state.lastModifiedDateTime,
    };
  });
}

const revokeStatuses: Readonly<Record<RevocationState, RevokeStatus>> = {
  pending: 'pending',
  downloaded: 'issued',
  revoked: 'revoked',
  failed: 'failed',
};

function revokeStatus(revocation: Revocation | undefined): RevokeStatus {
  return revocation === undefined ? 'none' : revokeStatuses[revocation.state];
}
