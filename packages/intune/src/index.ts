export { IntuneClient, type IntuneResult } from './client.ts';
export type { IntuneClientOptions } from './options.ts';
export type { ConnectionOptions, TlsOptions } from './http/connection-options.ts';
export type { ClientSecret, IntuneCredential } from './credentials/credential-options.ts';
export type { CloudName } from './clouds.ts';
export type { AccessToken, GetTokenOptions, TokenCredential } from './credentials/token-credential.ts';
export type { ValidateRequest } from './actions/validate-request.ts';
export type { NotifySuccessRequest } from './actions/notify-success.ts';
export type { NotifyFailureRequest } from './actions/notify-failure.ts';
export {
  IntuneArgumentError,
  IntuneAuthenticationError,
  IntuneError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneRejectedError,
  IntuneServiceNotFoundError,
  IntuneTimeoutError,
  type IntuneErrorCode,
} from './errors.ts';
export { hResults } from './hresults.ts';
export { resultCodes, type IntuneResultCode, type ResultCodeDescription } from './result-codes.ts';
