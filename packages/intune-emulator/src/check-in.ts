/** A device asks Intune for its profiles: variables are filled in and a challenge is minted for each. */
import { X509Certificate } from 'node:crypto';
import { parseName } from '@scepter/x509';
import { challengeLifetimeMinutes, type ChallengeAuthority, type ChallengeExpectation } from './challenge.ts';
import type { ChallengeInput, CheckIn, DeployedScepProfile, FailedProfile } from './control-types.ts';
import { EmulatorError } from './errors.ts';
import { newGuid, type RandomBytes } from './identifiers.ts';
import type { Device, ScepProfile } from './model.ts';
import { resolveProfile } from './profiles.ts';
import type { EmulatorRecords } from './state.ts';

export interface CheckInOptions {
  records: EmulatorRecords;
  challenges: ChallengeAuthority;
  now: () => Date;
  randomBytes: RandomBytes;
}

/**
 * Deploys every assigned profile of the device's platform. A profile that cannot be deployed is reported beside the
 * others and holds none of them up. The caller saves the records.
 */
export function checkIn(device: Device, options: CheckInOptions): CheckIn {
  const { records } = options;
  const profiles = records.profilesFor(device).filter((profile) => profile.platform === device.platform);
  const scepProfiles: DeployedScepProfile[] = [];
  const failedProfiles: FailedProfile[] = [];
  for (const profile of profiles) {
    const { id: profileId, displayName } = profile;
    try {
      scepProfiles.push(deploy(profile, device, options));
    } catch (error) {
      if (!(error instanceof EmulatorError)) throw error;
      failedProfiles.push({ profileId, displayName, reason: error.message });
      recordRequest(records, newGuid(options.randomBytes), profile, device, options.now(), error.message);
    }
  }
  const trustedRootCertificates = [...new Set(profiles.map((profile) => profile.rootCertificate))];
  return { device, trustedRootCertificates, scepProfiles, failedProfiles };
}

function deploy(profile: ScepProfile, device: Device, options: CheckInOptions): DeployedScepProfile {
  const resolved = resolveProfile(profile, device);
  refuseUnparsableSubject(resolved.subjectName);
  const now = options.now();
  const certificateRequestId = newGuid(options.randomBytes);
  const challenge = options.challenges.issue({
    certificateRequestId,
    target: { kind: 'profile', profileId: profile.id, deviceId: device.id, userId: device.user.id },
    subject: resolved.subjectName,
    subjectAlternativeNames: [...resolved.subjectAlternativeNames],
    keyUsage: [...profile.keyUsage],
    extendedKeyUsages: profile.extendedKeyUsages.map(({ objectIdentifier }) => objectIdentifier),
    keySize: profile.keySize,
    ...lifetime(now, challengeLifetimeMinutes),
  });
  recordRequest(options.records, certificateRequestId, profile, device, now, undefined);
  return {
    profileId: profile.id,
    displayName: profile.displayName,
    ...resolved,
    keyUsage: profile.keyUsage,
    keySize: profile.keySize,
    extendedKeyUsages: profile.extendedKeyUsages,
    hashAlgorithms: profile.hashAlgorithms,
    renewalThresholdPercentage: profile.renewalThresholdPercentage,
    validityPeriod: { value: profile.certificateValidityPeriodValue, scale: profile.certificateValidityPeriodScale },
    challenge,
    certificateRequestId,
    state: 'challengeIssued',
  };
}

function recordRequest(
  records: EmulatorRecords,
  certificateRequestId: string,
  profile: ScepProfile,
  device: Device,
  now: Date,
  failure: string | undefined,
): void {
  records.putCertificateState({
    certificateRequestId,
    deviceId: device.id,
    profileId: profile.id,
    certificateIssuanceState: failure === undefined ? 'challengeIssued' : 'challengeIssueFailed',
    errorDescription: failure,
    requestedDateTime: now.toISOString(),
    lastModifiedDateTime: now.toISOString(),
  });
}

/**
 * Mints challenges that belong to no device or profile.
 *
 * @throws EmulatorError `emulator.invalid` when the subject is not RFC 4514 text
 */
export function issueUnboundChallenges(input: ChallengeInput, options: Omit<CheckInOptions, 'records'>): string[] {
  refuseUnparsableSubject(input.subject);
  const content: Omit<ChallengeExpectation, 'certificateRequestId'> = {
    target: { kind: 'unbound' },
    subject: input.subject,
    subjectAlternativeNames: input.subjectAlternativeNames ?? [],
    keyUsage: input.keyUsage,
    extendedKeyUsages: input.extendedKeyUsages,
    keySize: input.keySize,
    ...lifetime(options.now(), input.expiresInMinutes ?? challengeLifetimeMinutes),
  };
  return Array.from({ length: input.count ?? 1 }, () =>
    options.challenges.issue({ certificateRequestId: newGuid(options.randomBytes), ...content }),
  );
}

/** From now on; a challenge that is to have expired already was created a lifetime before it did. */
function lifetime(now: Date, expiresInMinutes: number): { created: string; expires: string } {
  const expires = now.getTime() + expiresInMinutes * 60_000;
  const created = expiresInMinutes > 0 ? now.getTime() : expires - challengeLifetimeMinutes * 60_000;
  return { created: new Date(created).toISOString(), expires: new Date(expires).toISOString() };
}

/** @throws EmulatorError `emulator.invalid` */
export function refuseUnparsableSubject(subject: string): void {
  try {
    parseName(subject);
  } catch (cause) {
    throw new EmulatorError('emulator.invalid', `"${subject}" is not a subject name such as CN=device,O=Contoso.`, {
      cause,
    });
  }
}

/** @throws EmulatorError `emulator.invalid` when the text is not one certificate in PEM */
export function refuseUnparsableCertificate(pem: string): void {
  try {
    // Parsing is all that is wanted of it.
    void new X509Certificate(pem);
  } catch (cause) {
    throw new EmulatorError('emulator.invalid', 'The root certificate is not a certificate in PEM.', { cause });
  }
}
