/** Plays a table of faults, one named row each: what a call throws, what has arrived, and that it leaves no damage. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { inspect } from 'node:util';
import type { Fault, FaultOperation } from '@scepter/intune-emulator';
import type { IntuneClient, IntuneClientOptions, IntuneError } from '../../src/index.ts';
import { allPermissions, Desk, issued, ways, type Way } from './desk.ts';
import type { ArrivedOperation } from './traffic.ts';

export type Counts = Partial<Record<ArrivedOperation, number>>;

interface Row {
  readonly name: string;
  /** What goes wrong. */
  readonly provoke: (desk: Desk) => Promise<unknown>;
  /** How this client differs from the usual one. */
  readonly options?: Partial<IntuneClientOptions> | ((desk: Desk, way: Way) => Partial<IntuneClientOptions>);
  /** What arrived at Microsoft's side until the call ended; operations that are not named were not asked for. */
  readonly arrived: Counts;
  /** Where the way there can make no difference, and time counts. Default: both ways. */
  readonly only?: Way;
  /** The call that meets the fault. Default: a validation. */
  readonly call?: keyof typeof calls;
}

export interface FailureRow extends Row {
  readonly error: abstract new (...parameters: never[]) => IntuneError;
  /** Members of the error; others it may have as well. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly message?: RegExp;
  /** How long after the fault is gone the same client works again, on its own clock. Default: 0; Infinity: never. */
  readonly worksAgainAfterMs?: number;
}

export type RecoveryRow = Row;

/** Every method of the client, with arguments that are good. */
export const calls = {
  validateRequest: async (client: IntuneClient, desk: Desk) => client.validateRequest(await certificateRequest(desk)),
  notifySuccess: async (client: IntuneClient, desk: Desk) =>
    client.notifySuccess({ ...(await certificateRequest(desk)), ...issued }),
  notifyFailure: async (client: IntuneClient, desk: Desk) =>
    client.notifyFailure({
      ...(await certificateRequest(desk)),
      hResult: 0x80094811,
      errorDescription: 'RSA key shorter than 2048 bits',
    }),
  downloadRevocationRequests: async (client: IntuneClient) =>
    client.downloadRevocationRequests({ ignoreCoolDown: true }),
  uploadRevocationResults: async (client: IntuneClient, desk: Desk) =>
    client.uploadRevocationResults({
      transactionId: 'REVOCATION-1',
      results: [{ requestContext: await downloadedRequest(desk), succeeded: true }],
    }),
} as const;

async function certificateRequest(desk: Desk): Promise<{ transactionId: string; certificateRequest: string }> {
  const { transactionId, certificateRequest: request } = await desk.request();
  return { transactionId, certificateRequest: request };
}

/** The context of a revocation request that has been handed out. */
async function downloadedRequest(desk: Desk): Promise<string> {
  const input = { serialNumber: '4F00A1', issuerName: 'CN=Contoso Issuing CA', caConfiguration: '' };
  const { requestContext, timesDownloaded } = await desk.control.requestRevocation(input);
  if (timesDownloaded === 0) {
    const other = desk.connect();
    await other.downloadRevocationRequests();
    desk.traffic.clear();
  }
  return requestContext;
}

/** Sets a fault of the emulator: for good, or for so many requests. */
export function fault(operation: FaultOperation, what: Fault, times?: number) {
  return (desk: Desk): Promise<void> => desk.setFault(operation, what, times);
}

interface Tables {
  readonly failures?: readonly FailureRow[];
  readonly recoveries?: readonly RecoveryRow[];
}

/** Plays both tables, each row directly and through a proxy unless it says otherwise. */
export function playFaults(title: string, { failures = [], recoveries = [] }: Tables): void {
  describe(title, () => {
    let desk: Desk;
    before(async () => {
      desk = await Desk.start();
      await desk.control.setRevocationCoolDown({ minutes: 0 });
      await desk.request();
    });
    after(() => desk.stop());
    afterEach(() => desk.tidy());

    for (const way of ways) {
      describe(way, () => {
        for (const row of failures.filter(({ only = way }) => only === way)) {
          it(row.name, () => playFailure(row, desk, way));
        }
        for (const row of recoveries.filter(({ only = way }) => only === way)) {
          it(row.name, () => playRecovery(row, desk, way));
        }
      });
    }
  });
}

async function playFailure(row: FailureRow, desk: Desk, way: Way): Promise<void> {
  const clock = { aheadMs: 0 };
  const { client, call } = await prepare(row, desk, way, clock);
  const error = await desk.failure(call());
  assert.ok(error instanceof row.error, inspect(error, { depth: 5 }));
  assert.deepEqual(membersOf(error, Object.keys(row.members)), row.members);
  if (row.message !== undefined) assert.match(error.message, row.message);
  assert.deepEqual(desk.traffic.counts(), row.arrived);
  assertWay(desk, way);
  await desk.control.clearFaults();
  await desk.control.setPermissions(allPermissions);
  clock.aheadMs += row.worksAgainAfterMs ?? 0;
  const next = calls[row.call ?? 'validateRequest'](client, desk);
  await (row.worksAgainAfterMs === Infinity ? assert.rejects(next) : next);
}

async function playRecovery(row: RecoveryRow, desk: Desk, way: Way): Promise<void> {
  const { call } = await prepare(row, desk, way);
  await call();
  assert.deepEqual(desk.traffic.counts(), row.arrived);
  assertWay(desk, way);
}

function membersOf(error: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, (error as Record<string, unknown>)[name]]));
}

async function prepare(
  row: Row,
  desk: Desk,
  way: Way,
  clock = { aheadMs: 0 },
): Promise<{ client: IntuneClient; call: () => Promise<unknown> }> {
  const options = typeof row.options === 'function' ? row.options(desk, way) : row.options;
  const client = desk.connect({ now: () => new Date(Date.now() + clock.aheadMs), ...options }, way);
  const method = row.call ?? 'validateRequest';
  if (method === 'uploadRevocationResults') await downloadedRequest(desk);
  await row.provoke(desk);
  return { client, call: () => calls[method](client, desk) };
}

/** With a proxy, whatever arrives comes out of its tunnels. */
function assertWay({ proxy, hasForeignProxy, traffic, origin }: Desk, way: Way): void {
  if (way === 'directly' || hasForeignProxy) {
    assert.equal(proxy.targets.length, 0);
  } else {
    assert.ok(proxy.targets.length >= traffic.connections);
    assert.ok(traffic.connections === 0 || proxy.targets.includes(new URL(origin).host));
    assert.equal(proxy.otherRequests, 0);
  }
}
