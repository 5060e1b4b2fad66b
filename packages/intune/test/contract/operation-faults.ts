/**
 * The other four operations under the faults that concern all of them. What tells them apart is what may be repeated: a
 * download whose answer is lost may have cost requests, so it is asked for once.
 */
import type { FaultOperation } from '@scepter/intune-emulator';
import {
  IntuneAuthenticationError,
  IntuneHttpError,
  IntuneNetworkError,
  IntunePermissionError,
} from '../../src/index.ts';
import { fault, type calls, type FailureRow, type RecoveryRow } from './fault-rows.ts';

interface Operation {
  readonly call: keyof typeof calls;
  readonly name: Extract<FaultOperation, `${string}Notification` | `${string}Revocation${string}`>;
  /** How often it is sent when its answer is lost. */
  readonly sentWhenLost: number;
}

const operations: readonly Operation[] = [
  { call: 'notifySuccess', name: 'successNotification', sentWhenLost: 3 },
  { call: 'notifyFailure', name: 'failureNotification', sentWhenLost: 3 },
  { call: 'downloadRevocationRequests', name: 'downloadRevocationRequests', sentWhenLost: 1 },
  { call: 'uploadRevocationResults', name: 'uploadRevocationResults', sentWhenLost: 3 },
];

function failuresOf({ call, name, sentWhenLost }: Operation): FailureRow[] {
  const arrived = (times: number) => ({ token: 2, discovery: 1, [name]: times });
  /** A service that is silent may have moved, so that each repeat looks for it first. */
  const sought = (times: number) => ({ token: 2, discovery: times, [name]: times });
  return [
    {
      name: `${name}: 401 for ever`,
      call,
      provoke: fault(name, { kind: 'http', status: 401 }),
      error: IntuneAuthenticationError,
      members: { code: 'intune.authentication', attempts: 2 },
      arrived: { ...arrived(2), token: 3 },
    },
    {
      name: `${name}: 403`,
      call,
      provoke: ({ control }) => control.setPermissions({ graph: ['Application.Read.All'], intune: [] }),
      error: IntunePermissionError,
      members: { code: 'intune.permission', permission: 'scep_challenge_provider', grantedRoles: [], attempts: 1 },
      arrived: arrived(1),
      worksAgainAfterMs: 61_000,
    },
    {
      name: `${name}: 429 with a Retry-After beyond the time there is`,
      call,
      provoke: fault(name, { kind: 'throttle', retryAfterSeconds: 60 }),
      error: IntuneHttpError,
      members: { code: 'intune.http', status: 429, retryAfterMs: 60_000, attempts: 1 },
      arrived: arrived(1),
      worksAgainAfterMs: 60_000,
    },
    {
      name: `${name}: 500 with JSON inside a string`,
      call,
      provoke: fault(name, { kind: 'nestedError', message: 'The inner reason' }),
      error: IntuneHttpError,
      members: { code: 'intune.http', status: 500, attempts: sentWhenLost },
      message: /HTTP 500: InternalError: The inner reason - Operation ID/,
      arrived: arrived(sentWhenLost),
    },
    {
      name: `${name}: 502 in HTML`,
      call,
      provoke: fault(name, { kind: 'html' }),
      error: IntuneHttpError,
      members: { code: 'intune.http', status: 502, attempts: sentWhenLost },
      arrived: arrived(sentWhenLost),
    },
    {
      name: `${name}: something that is no JSON`,
      call,
      provoke: fault(name, { kind: 'garbage' }),
      error: IntuneHttpError,
      members: { code: 'intune.bad_reply', status: 200, attempts: 1 },
      arrived: arrived(1),
    },
    {
      name: `${name}: JSON that is not its answer`,
      call,
      provoke: fault(name, { kind: 'wrongJson', body: { value: 'done' } }),
      error: IntuneHttpError,
      members: { code: 'intune.bad_reply', status: 200, attempts: 1 },
      arrived: arrived(1),
    },
    {
      name: `${name}: a huge body`,
      call,
      provoke: fault(name, { kind: 'hugeBody', bytes: 20_000_000 }),
      error: IntuneHttpError,
      members: { code: 'intune.bad_reply', status: 200, attempts: 1 },
      arrived: arrived(1),
    },
    {
      name: `${name}: the connection is cut`,
      call,
      provoke: fault(name, { kind: 'disconnect' }),
      error: IntuneNetworkError,
      members: { code: 'intune.network', reason: 'cut', attempts: sentWhenLost },
      arrived: sought(sentWhenLost),
    },
  ];
}

function recoveriesOf({ call, name }: Operation): RecoveryRow[] {
  const twice = { token: 2, discovery: 1, [name]: 2 };
  return [
    {
      name: `${name}: 401 once is answered with a fresh token`,
      call,
      provoke: fault(name, { kind: 'http', status: 401 }, 1),
      arrived: { ...twice, token: 3 },
    },
    {
      name: `${name}: 503 with Retry-After is repeated`,
      call,
      provoke: fault(name, { kind: 'throttle', status: 503, retryAfterSeconds: 0 }, 1),
      arrived: twice,
    },
  ];
}

/** That a proxy changes nothing is seen with the validation. */
function directly<R extends RecoveryRow>(row: R): R {
  return { ...row, only: 'directly' };
}

export const operationFailures: readonly FailureRow[] = operations.flatMap(failuresOf).map(directly);
export const operationRecoveries: readonly RecoveryRow[] = operations.flatMap(recoveriesOf).map(directly);
