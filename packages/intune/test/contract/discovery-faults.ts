/** The contract with Microsoft Graph: whatever goes wrong with finding Intune's services. */
import {
  IntuneAuthenticationError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
  IntuneServiceNotFoundError,
  IntuneTimeoutError,
} from '../../src/index.ts';
import type { Desk } from './desk.ts';
import { fault, type FailureRow, type RecoveryRow } from './fault-rows.ts';

const serviceAt = (uri: unknown): object => ({ value: [{ providerName: 'ScepRequestValidationFEService', uri }] });
const intuneOnly = (...graph: string[]) => ({ graph, intune: ['scep_challenge_provider'] });

/** What was true a minute ago may have been put right: then it is asked again. */
const aMinute = 61_000;

const signedIn = { token: 1, discovery: 1 };
const all = { token: 2, discovery: 1, validateRequest: 1 };

export const discoveryFailures: readonly FailureRow[] = [
  {
    name: 'discovery: 403, the application may not read',
    provoke: ({ control }) => control.setPermissions(intuneOnly('User.Read.All')),
    error: IntunePermissionError,
    members: {
      code: 'intune.permission',
      permission: 'Application.Read.All',
      grantedRoles: ['User.Read.All'],
      attempts: 1,
    },
    message: /Insufficient privileges.*Application\.Read\.All/s,
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  },
  {
    name: 'discovery: 403, nobody has consented',
    provoke: ({ control }) => control.setPermissions({ graph: [], intune: [] }),
    error: IntunePermissionError,
    members: { code: 'intune.permission', permission: 'Application.Read.All', grantedRoles: [] },
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  },
  {
    name: 'discovery: an empty list for an application that may read',
    provoke: fault('discovery', { kind: 'emptyList' }),
    error: IntuneServiceNotFoundError,
    members: { code: 'intune.service_not_found', reason: 'licence' },
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  },
  {
    name: 'discovery: an empty list for an application that may read something else',
    provoke: async (desk) => {
      await desk.control.setPermissions(intuneOnly('User.Read.All'));
      await desk.setFault('discovery', { kind: 'emptyList' });
    },
    error: IntuneServiceNotFoundError,
    members: { code: 'intune.service_not_found', reason: 'permission' },
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  },
  {
    name: 'discovery: an empty list for an application without any permission',
    provoke: async (desk) => {
      await desk.control.setPermissions({ graph: [], intune: [] });
      await desk.setFault('discovery', { kind: 'emptyList' });
    },
    error: IntuneServiceNotFoundError,
    members: { code: 'intune.service_not_found', reason: 'consent' },
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  },
  {
    name: 'discovery: 404, the tenant has no Intune',
    provoke: fault('discovery', { kind: 'http', status: 404, body: '{"error":{"code":"Request_ResourceNotFound"}}' }),
    error: IntuneServiceNotFoundError,
    members: { code: 'intune.service_not_found', reason: 'licence' },
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  },
  ...(
    [
      ['a foreign host', 'https://intune.fabrikam.invalid/scep'],
      ['a host that only looks like Intune', 'https://manage.microsoft.com.fabrikam.invalid/scep'],
      ['another suffix of the same letters', 'https://fabrikammanage.microsoft.com/scep'],
      ['http', 'http://fef.msuc02.manage.microsoft.com/scep'],
      ['user and password', 'https://user:password@fef.msuc02.manage.microsoft.com/scep'],
      ['an address of the local network', 'https://10.0.0.1/scep'],
    ] as const
  ).map(([name, uri]): FailureRow => ({
    name: `discovery: ${name} is given no token`,
    provoke: fault('discovery', { kind: 'wrongJson', body: serviceAt(uri) }),
    error: IntuneServiceNotFoundError,
    members: { code: 'intune.endpoint_refused', reason: 'address' },
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  })),
  {
    name: 'discovery: this machine is given no token unless it was allowed',
    provoke: async () => {},
    options: { allowLoopback: false },
    error: IntuneServiceNotFoundError,
    members: { code: 'intune.endpoint_refused', reason: 'address' },
    arrived: signedIn,
    worksAgainAfterMs: Infinity,
  },
  {
    name: 'discovery: a next page elsewhere is not asked for',
    provoke: fault('discovery', { kind: 'nextLink', location: 'https://graph.fabrikam.invalid/v1.0/next' }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: signedIn,
  },
  {
    name: 'discovery: more than ten pages',
    provoke: fault('discovery', { kind: 'nextLink', pages: 11 }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: { token: 1, discovery: 10 },
  },
  {
    name: 'discovery: 401 for ever',
    provoke: fault('discovery', { kind: 'http', status: 401 }),
    error: IntuneAuthenticationError,
    members: { code: 'intune.authentication', attempts: 2 },
    arrived: { token: 2, discovery: 2 },
  },
  {
    name: 'discovery: 500',
    provoke: fault('discovery', { kind: 'nestedError' }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 500, attempts: 3 },
    message: /Graph.*HTTP 500/,
    arrived: { token: 1, discovery: 3 },
  },
  {
    name: 'discovery: 502 in HTML',
    provoke: fault('discovery', { kind: 'html' }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 502, attempts: 3 },
    arrived: { token: 1, discovery: 3 },
  },
  {
    name: 'discovery: 429 with a Retry-After beyond the time there is',
    provoke: fault('discovery', { kind: 'throttle', retryAfterSeconds: 60 }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 429, retryAfterMs: 60_000, attempts: 1 },
    arrived: signedIn,
    worksAgainAfterMs: aMinute,
  },
  {
    name: 'discovery: a redirect',
    provoke: fault('discovery', { kind: 'redirect', location: 'https://graph.fabrikam.invalid/' }),
    error: IntuneHttpError,
    members: { code: 'intune.http', status: 302, attempts: 1 },
    arrived: signedIn,
  },
  {
    name: 'discovery: JSON without a list',
    provoke: fault('discovery', { kind: 'wrongJson', body: { value: 'none' } }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: signedIn,
  },
  {
    name: 'discovery: something that is no JSON',
    provoke: fault('discovery', { kind: 'garbage' }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: signedIn,
  },
  {
    name: 'discovery: a huge body',
    provoke: fault('discovery', { kind: 'hugeBody', bytes: 50_000_000, announced: true }),
    error: IntuneHttpError,
    members: { code: 'intune.bad_reply', status: 200 },
    arrived: signedIn,
  },
  {
    name: 'discovery: the connection is cut',
    provoke: fault('discovery', { kind: 'disconnect' }),
    error: IntuneNetworkError,
    members: { code: 'intune.network', reason: 'cut', attempts: 3 },
    arrived: { token: 1, discovery: 3 },
  },
  {
    name: 'discovery: the body is cut',
    provoke: fault('discovery', { kind: 'cutBody' }),
    error: IntuneNetworkError,
    members: { code: 'intune.network', reason: 'cut', attempts: 3 },
    arrived: { token: 1, discovery: 3 },
  },
  {
    name: 'discovery: slow headers',
    provoke: fault('discovery', { kind: 'slowHeaders', delayMs: 30_000 }),
    only: 'directly',
    options: { attemptTimeoutMs: 400, retry: false },
    error: IntuneTimeoutError,
    members: { code: 'intune.timeout', limit: 'attempt', timeoutMs: 400, attempts: 1 },
    arrived: signedIn,
  },
  {
    name: 'discovery: a slow body',
    provoke: fault('discovery', { kind: 'slowBody', delayMs: 300, chunks: 64 }),
    only: 'directly',
    options: { attemptTimeoutMs: 400, retry: false },
    error: IntuneTimeoutError,
    members: { code: 'intune.timeout', limit: 'attempt', timeoutMs: 400, attempts: 1 },
    arrived: signedIn,
  },
];

const duplicates = (dead: 'refused' | 'notFound', deadFirst: boolean) => (desk: Desk) =>
  desk.setFault('discovery', { kind: 'duplicateNames', dead, deadFirst });

export const discoveryRecoveries: readonly RecoveryRow[] = [
  {
    name: 'discovery: 401 once is answered with a fresh token',
    provoke: fault('discovery', { kind: 'http', status: 401 }, 1),
    arrived: { token: 3, discovery: 2, validateRequest: 1 },
  },
  {
    name: 'discovery: 500 once is repeated',
    provoke: fault('discovery', { kind: 'nestedError' }, 1),
    arrived: { ...all, discovery: 2 },
  },
  {
    name: 'discovery: 429 with Retry-After is repeated',
    provoke: fault('discovery', { kind: 'throttle', retryAfterSeconds: 0 }, 1),
    arrived: { ...all, discovery: 2 },
  },
  {
    name: 'discovery: a cut connection is repeated',
    provoke: fault('discovery', { kind: 'disconnect' }, 1),
    arrived: { ...all, discovery: 2 },
  },
  {
    name: 'discovery: the service is on the last of ten pages',
    provoke: fault('discovery', { kind: 'nextLink', pages: 10 }),
    arrived: { ...all, discovery: 10 },
  },
  {
    name: 'discovery: of two entries, the first refuses connections',
    provoke: duplicates('refused', true),
    arrived: all,
  },
  {
    name: 'discovery: of two entries, the second refuses connections',
    provoke: duplicates('refused', false),
    arrived: all,
  },
  {
    name: 'discovery: of two entries, the first answers 404',
    provoke: duplicates('notFound', true),
    // Both: that at the dead address bears the operation's name as well.
    arrived: { ...all, validateRequest: 2 },
  },
  {
    name: 'discovery: of two entries, the second answers 404',
    provoke: duplicates('notFound', false),
    arrived: all,
  },
];
