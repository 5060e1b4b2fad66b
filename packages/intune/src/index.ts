export { IntuneClient, type IntuneResult } from './client.ts';
export type { IntuneClientStatus } from './client-status.ts';
export type { IntuneClientOptions } from './options.ts';
export type { ConnectionOptions, ProxyOptions, TlsOptions } from './http/connection-options.ts';
export type {
  CertificateUse,
  ClientCertificate,
  ClientCertificateFile,
  ClientSecret,
  ClientSecretFile,
  IntuneCredential,
  ManagedIdentity,
  ManagedIdentityFederation,
  ManagedIdentityId,
  ManagedIdentityPlatform,
  UserAssignedIdentityId,
  WorkloadIdentity,
} from './credentials/credential-options.ts';
export type { CloudName } from './clouds.ts';
export type { AccessToken, GetTokenOptions, TokenCredential } from './credentials/token-credential.ts';
export type { ValidateRequestOptions } from './actions/validate-request.ts';
export type { NotifySuccessOptions } from './actions/notify-success.ts';
export type { NotifyFailureOptions } from './actions/notify-failure.ts';
export {
  IntuneArgumentError,
  IntuneAuthenticationError,
  IntuneCircuitOpenError,
  IntuneCoolDownError,
  IntuneError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneRejectedError,
  IntuneServiceNotFoundError,
  IntuneTimeoutError,
  type IntuneErrorCode,
  type IntuneErrorContext,
  type NetworkFailureReason,
  type RequestIds,
  type ServiceNotFoundReason,
} from './errors.ts';
export type {
  AttemptEvent,
  CallEvent,
  CallName,
  CircuitEvent,
  CircuitState,
  IntuneEvent,
  LocationEvent,
  OperationName,
  Outcome,
  RetryEvent,
  TokenEvent,
} from './diagnostics/events.ts';
export { entraCodes, type EntraCodeDescription } from './entra-codes.ts';
export type { CircuitStatus } from './resilience/circuit-breaker.ts';
export type { CircuitBreakerOptions } from './resilience/circuit-breaker-options.ts';
export type { RetryOptions } from './resilience/retry-options.ts';
export type { LocationStatus } from './service-locator.ts';
export type { DestinationName, ServiceName } from './service-names.ts';
export type { TokenStatus } from './token-source.ts';
export { hResults } from './hresults.ts';
export { resultCodes, type IntuneResultCode, type ResultCodeDescription } from './result-codes.ts';
export { checkConnection, type CheckConnectionOptions } from './doctor/check-connection.ts';
export type {
  ConnectionCheck,
  ConnectionCheckDetail,
  ConnectionCheckName,
  ConnectionCheckState,
  ConnectionReport,
} from './doctor/report.ts';
export type { DownloadRevocationRequestsOptions, RevocationDownload } from './actions/download-revocation-requests.ts';
export type { UploadRevocationResultsOptions } from './actions/upload-revocation-results.ts';
export {
  revocationErrorCodes,
  type RevocationErrorCode,
  type RevocationErrorDescription,
} from './revocation/error-codes.ts';
export {
  matchRevocationRequests,
  type MatchRevocationRequestsOptions,
  type RevocableCertificate,
  type RevocationMatch,
} from './revocation/match-requests.ts';
export {
  processRevocations,
  type ProcessRevocationsOptions,
  type RevocationClient,
  type RevocationRound,
} from './revocation/process-revocations.ts';
export type { RevocationRequest, UnreadableRevocationRequest } from './revocation/revocation-request.ts';
export type { RevocationOutcome, RevocationResult } from './revocation/revocation-result.ts';
export type { RevocationFailure, Revoke } from './revocation/revoke-all.ts';
export { serialNumberCandidates, type SerialNumberNotation } from './revocation/serial-number.ts';
export { intuneProperties, type IntuneProperty, type IntunePropertyName } from './configuration/intune-properties.ts';
export { loadIntuneOptions } from './configuration/load-options.ts';
export { loadProperties } from './configuration/load-properties.ts';
export { findMisspelledProperties, type MisspelledProperty } from './configuration/misspelled-properties.ts';
export { intuneOptionsFromProperties } from './configuration/options-from-properties.ts';
export { parseProperties, type Properties } from './configuration/parse-properties.ts';
