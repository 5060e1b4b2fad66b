/** One client and very many calls: what it holds afterwards must not depend on how many there were. */
import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BareIntune, BareIntuneCounts, BareIntuneUrls } from './bare-intune.ts';
import type { Child } from './child.ts';
import { newCertificateRequest, newClient } from './intune-targets.ts';

export interface LeakSearch {
  readonly bare: Child<BareIntune>;
  readonly urls: BareIntuneUrls;
  readonly concurrency: number;
  readonly calls: number;
}

/** What is held at one moment. */
interface Held extends BareIntuneCounts {
  readonly listeners: number;
  readonly timers: number;
  readonly heapKb: number;
  readonly residentMb: number;
}

/** @returns the lines to print, and whether nothing has leaked and no call failed */
export async function searchForLeaks(search: LeakSearch): Promise<{ lines: string[]; isHealthy: boolean }> {
  const { bare, urls, concurrency, calls } = search;
  const client = newClient(urls);
  const certificateRequest = newCertificateRequest();
  const { signal } = new AbortController();
  const before = await bare.call('counts', {});
  let number = 0;
  let failures = 0;
  const callUntil = async (last: number): Promise<Held> => {
    const lane = async (): Promise<void> => {
      while (number < last) {
        number += 1;
        const validation = { transactionId: `BENCH-${number}`, certificateRequest, signal };
        await client.validateRequest(validation).catch(() => (failures += 1));
      }
    };
    await Promise.all(Array.from({ length: concurrency }, lane));
    return whatIsHeld(await bare.call('counts', {}), before, signal);
  };
  const earlyCalls = Math.ceil(calls / 20);
  const early = await callUntil(earlyCalls);
  const late = await callUntil(calls);
  await client.close();
  await sleep(100);
  const { openSockets } = await bare.call('counts', {});

  const rows: [what: string, early: number, late: number, isHealthy: boolean][] = [
    ['open connections', early.openSockets, late.openSockets, late.openSockets <= concurrency],
    ['connections made', early.connections, late.connections, late.connections <= 2 * concurrency],
    ['token requests', early.tokenRequests, late.tokenRequests, late.tokenRequests === 2],
    ['discoveries', early.discoveries, late.discoveries, late.discoveries === 1],
    ["listeners on the caller's signal", early.listeners, late.listeners, late.listeners === 0],
    ['active timers', early.timers, late.timers, late.timers <= early.timers + 2],
    ['heap after collection, KB', early.heapKb, late.heapKb, late.heapKb < early.heapKb + 4096],
    ['resident memory, MB', early.residentMb, late.residentMb, true],
    ['failed calls', 0, failures, failures === 0],
    ['open connections after close()', 0, openSockets, openSockets === 0],
  ];
  const isHealthy = rows.every(([, , , each]) => each);
  const lines = [
    `Held by one client after ${earlyCalls} and after ${calls} calls, ${concurrency} at a time`,
    ...rows.map(
      ([what, first, last, each]) =>
        `  ${what.padEnd(36)}${String(first).padStart(10)}${String(last).padStart(10)}${each ? '' : '  LEAK'}`,
    ),
  ];
  return { lines, isHealthy };
}

async function whatIsHeld(counts: BareIntuneCounts, before: BareIntuneCounts, signal: AbortSignal): Promise<Held> {
  if (globalThis.gc === undefined) throw new Error('Run it with --expose-gc, as npm run bench:intune does.');
  await sleep(100);
  globalThis.gc();
  const memory = process.memoryUsage();
  return {
    openSockets: counts.openSockets - before.openSockets,
    connections: counts.connections - before.connections,
    tokenRequests: counts.tokenRequests - before.tokenRequests,
    discoveries: counts.discoveries - before.discoveries,
    listeners: getEventListeners(signal, 'abort').length,
    timers: process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length,
    heapKb: Math.round(memory.heapUsed / 1024),
    residentMb: Math.round(memory.rss / 1024 / 1024),
  };
}
