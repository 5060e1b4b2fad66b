import { decodeCertificate, decodePem, thumbprint } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import type { CheckIn, DeviceManagement, DeviceReport, FailedProfile } from './device-management.ts';
import { enrollProfile } from './enroll-profile.ts';
import type { DeviceFailure, DeviceOutcome, InstalledCertificate } from './outcome.ts';
import type { Fetch, Platform } from './platforms/habits.ts';
import { platforms } from './platforms/platforms.ts';
import { StepError, countOf, stepRunner } from './steps.ts';
import type { RunStep, Step } from './steps.ts';

/** One device to simulate, and the world it lives in. */
export interface SimulateDeviceOptions {
  readonly platform: Platform;
  readonly deviceId: string;
  readonly management: DeviceManagement;
  /** Carries the SCEP requests. */
  readonly fetch: Fetch;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly now: () => Date;
  /** Called after every step. */
  readonly onStep?: (step: Step) => void;
  /** For one SCEP request; 30,000 when absent. */
  readonly timeoutMs?: number;
}

interface Device {
  readonly options: SimulateDeviceOptions;
  readonly checkIn: CheckIn;
  readonly trustedRoots: readonly Certificate[];
  readonly runStep: RunStep;
}

type ProfileOutcome = { readonly installed: InstalledCertificate } | { readonly failure: DeviceFailure };

/**
 * Lives through one management session of a device: it checks in, enrolls for every SCEP profile it is handed, judges
 * and keeps the certificates, and reports each profile's state.
 *
 * A server's refusal, a broken answer or an unreachable management is an outcome, never an exception.
 *
 * @example
 * const outcome = await simulateDevice({ platform: 'windows', deviceId, management, fetch, randomBytes, now });
 * if (outcome.status === 'failed') console.error(outcome.failures[0].reason);
 */
export async function simulateDevice(options: SimulateDeviceOptions): Promise<DeviceOutcome> {
  const runStep = stepRunner(options.now, options.onStep ?? (() => {}));
  let device: Device;
  try {
    device = { options, runStep, ...(await runStep('check-in', () => checkIn(options))) };
  } catch (error) {
    return { status: 'failed', failures: [asFailure(error, undefined)], certificates: [] };
  }
  const outcomes: ProfileOutcome[] = (device.checkIn.failedProfiles ?? []).map(undelivered);
  for (const profile of device.checkIn.scepProfiles) outcomes.push(await carryOut(device, profile));
  return summarize(outcomes);
}

async function checkIn(options: SimulateDeviceOptions) {
  const result = await options.management.checkIn(options.deviceId);
  const trustedRoots = result.trustedRootCertificates
    .flatMap((text) => decodePem(text))
    .map((block) => decodeCertificate(block.bytes));
  const detail = `${countOf(result.scepProfiles.length, 'profile')}, ${countOf(trustedRoots.length, 'trusted root')}`;
  return { value: { checkIn: result, trustedRoots }, detail };
}

/** One profile, from the key to the report; a failed report counts even when the certificate is installed. */
async function carryOut(device: Device, profile: CheckIn['scepProfiles'][number]): Promise<ProfileOutcome> {
  const { options, runStep } = device;
  const report = (content: DeviceReport): Promise<void> => runStep('report', () => sendReport(options, content));
  const { profileId } = profile;
  try {
    const installed = await enrollProfile({
      profile,
      deviceName: device.checkIn.device.deviceName,
      trustedRoots: device.trustedRoots,
      habits: platforms[options.platform],
      surroundings: { fetch: options.fetch, randomBytes: options.randomBytes, timeoutMs: options.timeoutMs ?? 30_000 },
      now: options.now,
      runStep,
    });
    const certificateThumbprint = thumbprint(installed.certificate.encoded, 'sha1');
    await report({ profileId, state: 'installed', certificateThumbprint });
    return { installed };
  } catch (error) {
    const failure = asFailure(error, profileId);
    if (failure.step !== 'report') await report(failureReport(profileId, failure)).catch(() => {});
    return { failure };
  }
}

async function sendReport(options: SimulateDeviceOptions, content: DeviceReport) {
  await options.management.report(options.deviceId, content);
  return { value: undefined, detail: content.state };
}

function failureReport(profileId: string, { state, errorCode }: DeviceFailure): DeviceReport {
  return { profileId, state, ...(errorCode === undefined ? {} : { errorCode }) };
}

function asFailure(error: unknown, profileId: string | undefined): DeviceFailure {
  const failure = error instanceof StepError ? error : new StepError('enroll', String(error), { cause: error });
  const { step, state, message: reason, failInfo, errorCode } = failure;
  return { profileId, step, state, reason, failInfo, errorCode };
}

function undelivered({ profileId, reason }: FailedProfile): ProfileOutcome {
  return { failure: asFailure(new StepError('check-in', reason), profileId) };
}

function summarize(outcomes: readonly ProfileOutcome[]): DeviceOutcome {
  if (outcomes.length === 0) return { status: 'nothing-assigned' };
  const certificates = outcomes.flatMap((outcome) => ('installed' in outcome ? [outcome.installed] : []));
  const [first, ...others] = outcomes.flatMap((outcome) => ('failure' in outcome ? [outcome.failure] : []));
  if (first === undefined) return { status: 'installed', certificates };
  return { status: 'failed', failures: [first, ...others], certificates };
}
