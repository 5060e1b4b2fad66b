export type {
  CheckIn,
  DeviceManagement,
  DeviceReport,
  DeviceScepProfile,
  FailedProfile,
  ProfileAlternativeName,
  ReportedState,
} from './device-management.ts';
export type { DeviceFailure, DeviceOutcome, InstalledCertificate } from './outcome.ts';
export type { Fetch, Platform } from './platforms/habits.ts';
export type { Step, StepName } from './steps.ts';
export { simulateDevice } from './simulate-device.ts';
export type { SimulateDeviceOptions } from './simulate-device.ts';
