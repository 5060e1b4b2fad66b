export { EmulatorControl, type EmulatorControlOptions } from './control-client.ts';
export {
  faultOperations,
  type CertificateReportRow,
  type ChallengeInput,
  type CheckIn,
  type Connection,
  type DeployedScepProfile,
  type DeviceInput,
  type DeviceReport,
  type FailedProfile,
  type Fault,
  type FaultOperation,
  type FaultSetting,
  type Permissions,
  type ProfileInput,
} from './control-types.ts';
export { EmulatorError, type EmulatorErrorCode } from './errors.ts';
export {
  certificateIssuanceStates,
  platforms,
  type Assignment,
  type CertificateIssuanceState,
  type CertificateState,
  type Device,
  type DeviceReportedState,
  type DeviceUser,
  type EmulatorState,
  type ExtendedKeyUsage,
  type Platform,
  type ReceivedNotification,
  type ScepProfile,
  type SubjectAlternativeName,
  type SubjectAlternativeNameType,
} from './model.ts';
export { createEmulator, type Emulator, type EmulatorOptions } from './emulator.ts';
export { startEmulatorHost, type EmulatorHost, type EmulatorHostOptions } from './host.ts';
export { seedDemo, type DemoTenant, type DemoTenantOptions } from './demo-tenant.ts';
export { createSecrets, type EmulatorSecrets } from './secrets.ts';
