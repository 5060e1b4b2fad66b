/** The contract with Intune's two services: whatever goes wrong with a call itself. */
import { intuneResultCodes } from './result-codes.ts';
import {
  IntuneAuthenticationError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneRejectedError,
} from '../../src/index.ts';
import { fault, type FailureRow, type RecoveryRow } from './fault-rows.ts';

/** A first call: two tokens, one discovery, and the call itself. */
const arrived = (validateRequest: number) => ({ token: 2, discovery: 1, validateRequest });
/** A service that is silent may have moved, so that each repeat looks for it first. */
const sought = (validateRequest: number) => ({ token: 2, discovery: validateRequest, validateRequest });

const rejections = intuneResultCodes
  .filter((code) => code !== 'Success')
  .map((code): FailureRow => ({
    name: `validateRequest: 200 with ${code}`,
    provoke: fault('validateRequest', { kind: 'code', code, errorDescription: `about ${code}` }),
    error: IntuneRejectedError,
    members: {
      code: 'intune.rejected',
      resultCode: code,
      originalCode: code,
      description: `about ${code}`,
      transactionId: 'TRANSACTION-1',
    },
    arrived: arrived(1),
  }));

export const validationFailures: readonly FailureRow[] = [
  ...rejections,
  {
    name: 'validateRequest: 200 with a code that nobody knows',
    provoke: fault('validateRequest', { kind: 'code', code: 'DeviceOnVacation', errorDescription: 'until Monday' }),
    error: IntuneRejectedError,
    members: { code: 'intune.rejected', resultCode: 'DeviceOnVacation', description: 'until Monday' },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: 401 for ever',
    provoke: fault('validateRequest', { kind: 'http', status: 401 }),
    error: IntuneAuthenticationError,
    members: { code: 'intune.authentication', attempts: 2 },
    message: /Intune refused a fresh token/,
    arrived: { ...arrived(2), token: 3 },
  },
  {
    name: 'validateRequest: 403, the application may not ask',
    provoke: ({ control }) =>
      control.setPermissions({ graph: ['Application.Read.All'], intune: ['get_device_compliance'] }),
    error: IntunePermissionError,
    members: {
      code: 'intune.permission',
      permission: 'scep_challenge_provider',
      grantedRoles: ['get_device_compliance'],
      attempts: 1,
    },
    message: /scep_challenge_provider/,
    arrived: arrived(1),
    worksAgainAfterMs: 61_000,
  },
  {
    name: 'validateRequest: 400',
    provoke: fault('validateRequest', {
      kind: 'nestedError',
      status: 400,
      message: 'The api-version is not supported.',
    }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 400, attempts: 1 },
    message: /HTTP 400.*The api-version is not supported\./,
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: 429 with a Retry-After beyond the time there is',
    provoke: fault('validateRequest', { kind: 'throttle', retryAfterSeconds: 60 }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 429, retryAfterMs: 60_000, attempts: 1 },
    arrived: arrived(1),
    worksAgainAfterMs: 60_000,
  },
  {
    name: 'validateRequest: 503 with a Retry-After as a date, beyond the time there is',
    provoke: fault('validateRequest', { kind: 'throttle', status: 503, retryAfterSeconds: 60, asDate: true }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 503, attempts: 1 },
    arrived: arrived(1),
    worksAgainAfterMs: 60_000,
  },
  {
    name: 'validateRequest: 500 with JSON inside a string',
    provoke: fault('validateRequest', { kind: 'nestedError', message: 'The inner reason' }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 500, attempts: 3 },
    message: /HTTP 500: InternalError: The inner reason - Operation ID/,
    arrived: arrived(3),
  },
  {
    name: 'validateRequest: 502 in HTML',
    provoke: fault('validateRequest', { kind: 'html' }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 502, attempts: 3 },
    message: /HTTP 502: .*Bad Gateway/,
    arrived: arrived(3),
  },
  {
    name: 'validateRequest: an empty 200',
    provoke: fault('validateRequest', { kind: 'http', status: 200 }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200, body: '', attempts: 1 },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: 204',
    provoke: fault('validateRequest', { kind: 'http', status: 204 }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 204, body: '', attempts: 1 },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: a redirect',
    provoke: fault('validateRequest', { kind: 'redirect', location: 'https://intune.fabrikam.invalid/', status: 307 }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 307, attempts: 1 },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: JSON without a code',
    provoke: fault('validateRequest', { kind: 'wrongJson', body: { value: true } }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: a code that is a number',
    provoke: fault('validateRequest', { kind: 'wrongJson', body: { code: 1 } }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: something that is no JSON',
    provoke: fault('validateRequest', { kind: 'garbage' }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: a huge body',
    provoke: fault('validateRequest', { kind: 'hugeBody', bytes: 50_000_000 }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: the connection is cut',
    provoke: fault('validateRequest', { kind: 'disconnect' }),
    error: IntuneNetworkError,
    members: { code: 'intune.network', reason: 'cut', attempts: 3 },
    arrived: sought(3),
  },
  {
    name: 'validateRequest: the body is cut',
    provoke: fault('validateRequest', { kind: 'cutBody' }),
    error: IntuneNetworkError,
    members: { code: 'intune.network', reason: 'cut', attempts: 3 },
    arrived: sought(3),
  },
];

export const validationRecoveries: readonly RecoveryRow[] = [
  {
    name: 'validateRequest: 200 with success in another letter case',
    provoke: fault('validateRequest', { kind: 'code', code: 'success' }),
    arrived: arrived(1),
  },
  {
    name: 'validateRequest: 401 once is answered with a fresh token',
    provoke: fault('validateRequest', { kind: 'http', status: 401 }, 1),
    arrived: { ...arrived(2), token: 3 },
  },
  {
    name: 'validateRequest: 429 with Retry-After is repeated',
    provoke: fault('validateRequest', { kind: 'throttle', retryAfterSeconds: 0 }, 1),
    arrived: arrived(2),
  },
  {
    name: 'validateRequest: 503 with Retry-After as a date is repeated',
    provoke: fault('validateRequest', { kind: 'throttle', status: 503, retryAfterSeconds: 0, asDate: true }, 1),
    arrived: arrived(2),
  },
  {
    name: 'validateRequest: 500 twice is repeated twice',
    provoke: fault('validateRequest', { kind: 'nestedError' }, 2),
    arrived: arrived(3),
  },
  {
    name: 'validateRequest: 502 in HTML once is repeated',
    provoke: fault('validateRequest', { kind: 'html' }, 1),
    arrived: arrived(2),
  },
  {
    name: 'validateRequest: a cut connection is repeated',
    provoke: fault('validateRequest', { kind: 'disconnect' }, 1),
    arrived: sought(2),
  },
  {
    name: 'validateRequest: a body that was cut is asked for again',
    provoke: fault('validateRequest', { kind: 'cutBody' }, 1),
    arrived: sought(2),
  },
  {
    name: 'validateRequest: slow headers once are not waited for',
    provoke: fault('validateRequest', { kind: 'slowHeaders', delayMs: 30_000 }, 1),
    only: 'directly',
    options: { attemptTimeoutMs: 400 },
    arrived: sought(2),
  },
];
