/** The contract with Microsoft Entra: whatever goes wrong with the token. */
import { IntuneAuthenticationError, IntuneHttpError, IntuneNetworkError, IntuneTimeoutError } from '../../src/index.ts';
import { fault, type FailureRow, type RecoveryRow } from './fault-rows.ts';

const entraError = (error: string, description: string): string =>
  JSON.stringify({ error, error_description: description, error_codes: [Number(/\d+/.exec(description)?.[0])] });

const once = { token: 1 };
const threeTimes = { token: 3 };
/** Two tokens, one discovery, one validation: a call that has to begin from scratch. */
const all = { token: 2, discovery: 1, validateRequest: 1 };

export const signInFailures: readonly FailureRow[] = [
  {
    name: 'token: 401, the client secret is wrong',
    provoke: async () => {},
    options: ({ connection: { clientId } }) => ({ credential: { clientId, clientSecret: 'CANARY-wrong~secret' } }),
    error: IntuneAuthenticationError,
    members: { code: 'intune.authentication', entraCode: 'AADSTS7000215', attempts: 1 },
    message: /AADSTS7000215/,
    arrived: once,
    worksAgainAfterMs: Infinity,
  },
  {
    name: 'token: 401, the client secret has expired',
    provoke: fault('token', {
      kind: 'http',
      status: 401,
      headers: { 'content-type': 'application/json' },
      body: entraError('invalid_client', 'AADSTS7000222: The provided client secret keys for app are expired.'),
    }),
    error: IntuneAuthenticationError,
    members: { code: 'intune.authentication', entraCode: 'AADSTS7000222', attempts: 1 },
    arrived: once,
  },
  {
    name: 'token: 400, the application is unknown in the tenant',
    provoke: fault('token', {
      kind: 'code',
      code: 'unauthorized_client',
      errorDescription: "AADSTS700016: Application with identifier 'x' was not found in the directory 'Contoso'.",
    }),
    error: IntuneAuthenticationError,
    members: { code: 'intune.authentication', entraCode: 'AADSTS700016', attempts: 1 },
    arrived: once,
  },
  {
    name: 'token: 400, the tenant is unknown',
    provoke: async () => {},
    options: { tenant: 'fabrikam.onmicrosoft.com' },
    error: IntuneAuthenticationError,
    members: { code: 'intune.authentication', entraCode: 'AADSTS90002' },
    arrived: once,
    worksAgainAfterMs: Infinity,
  },
  {
    name: 'token: 500 with an error of Entra',
    provoke: fault('token', { kind: 'nestedError', status: 500 }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 500, attempts: 3 },
    message: /Entra.*HTTP 500/,
    arrived: threeTimes,
  },
  {
    name: 'token: 502 in HTML',
    provoke: fault('token', { kind: 'html' }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 502, attempts: 3 },
    message: /Entra.*HTTP 502/,
    arrived: threeTimes,
  },
  {
    name: 'token: 429 with a Retry-After beyond the time there is',
    provoke: fault('token', { kind: 'throttle', retryAfterSeconds: 60 }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 429, retryAfterMs: 60_000, attempts: 1 },
    arrived: once,
    worksAgainAfterMs: 60_000,
  },
  {
    name: 'token: a redirect',
    provoke: fault('token', { kind: 'redirect', location: 'https://login.fabrikam.invalid/' }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 302, attempts: 1 },
    arrived: once,
  },
  {
    name: 'token: JSON without a token',
    provoke: fault('token', { kind: 'wrongJson', body: { token_type: 'Bearer' } }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200, attempts: 1 },
    arrived: once,
  },
  {
    name: 'token: something that is no JSON',
    provoke: fault('token', { kind: 'garbage' }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200, attempts: 1 },
    arrived: once,
  },
  {
    name: 'token: a huge body',
    provoke: fault('token', { kind: 'hugeBody', bytes: 50_000_000 }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200, attempts: 1 },
    message: /more than 1048576 bytes/,
    arrived: once,
  },
  {
    name: 'token: the connection is cut',
    provoke: fault('token', { kind: 'disconnect' }),
    error: IntuneNetworkError,
    members: { code: 'intune.network', reason: 'cut', attempts: 3 },
    arrived: threeTimes,
  },
  {
    name: 'token: the body is cut',
    provoke: fault('token', { kind: 'cutBody' }),
    error: IntuneNetworkError,
    members: { code: 'intune.network', reason: 'cut', attempts: 3 },
    arrived: threeTimes,
  },
  {
    name: 'token: slow headers',
    provoke: fault('token', { kind: 'slowHeaders', delayMs: 30_000 }),
    only: 'directly',
    options: { attemptTimeoutMs: 400, retry: false },
    error: IntuneTimeoutError,
    members: { code: 'intune.timeout', limit: 'attempt', timeoutMs: 400, attempts: 1 },
    arrived: once,
  },
  {
    name: 'token: a slow body',
    provoke: fault('token', { kind: 'slowBody', delayMs: 300, chunks: 64 }),
    only: 'directly',
    options: { attemptTimeoutMs: 400, retry: false },
    error: IntuneTimeoutError,
    members: { code: 'intune.timeout', limit: 'attempt', timeoutMs: 400, attempts: 1 },
    arrived: once,
  },
];

export const signInRecoveries: readonly RecoveryRow[] = [
  {
    name: 'token: 500 once is repeated',
    provoke: fault('token', { kind: 'nestedError', status: 500 }, 1),
    arrived: { ...all, token: 3 },
  },
  {
    name: 'token: 503 with Retry-After is repeated',
    provoke: fault('token', { kind: 'throttle', status: 503, retryAfterSeconds: 0 }, 1),
    arrived: { ...all, token: 3 },
  },
  {
    name: 'token: a cut connection is repeated',
    provoke: fault('token', { kind: 'disconnect' }, 2),
    arrived: { ...all, token: 4 },
  },
];
