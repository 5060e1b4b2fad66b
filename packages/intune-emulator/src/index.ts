export { EmulatorControl, type EmulatorControlOptions } from './control-client.ts';
export type {
  CertificateReportRow,
  ChallengeInput,
  CheckIn,
  Connection,
  DeployedScepProfile,
  DeviceInput,
  DeviceReport,
  FailedProfile,
  ManagedIdentityIds,
  Permissions,
  ProfileInput,
} from './control-types.ts';
export type {
  ApplicationCertificate,
  ApplicationSecret,
  ApplicationSecretInput,
  FederatedCredential,
  FederatedCredentialInput,
} from './credential-types.ts';
export { faultOperations, type Fault, type FaultOperation, type FaultSetting } from './fault-types.ts';
export {
  type CoolDownAnswer,
  revocationErrorCodes,
  type Revocation,
  type RevocationErrorName,
  type RevocationInput,
  type RevocationReason,
  type RevocationSettings,
  type RevocationState,
  type RevokeStatus,
} from './revocation-types.ts';
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
export type { HostBindings } from './faulty-call.ts';
export { startEmulatorHost, type EmulatorHost, type EmulatorHostOptions } from './host.ts';
export { seedDemo, type DemoTenant, type DemoTenantOptions } from './demo-tenant.ts';
export { createSecrets, type EmulatorSecrets } from './secrets.ts';
