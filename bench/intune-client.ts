/**
 * How many validations a second `@scepter/intune` makes, what memory it takes, and whether it leaks:
 * `npm run bench:intune`. `bench/README.md` explains how to read it.
 *
 *     --concurrency N    calls under way at a time, default 64
 *     --rounds N         how often each line is measured, default 3; the medians are printed; 0 leaves it out
 *     --seconds N        how long one measurement takes, default 3
 *     --calls N          calls of the search for leaks, default 100,000; 0 leaves it out
 *
 * Ends with 1 when something has leaked or a call has failed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BareIntune, BareIntuneUrls } from './bare-intune.ts';
import type { BenchEmulator } from './bench-emulator.ts';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { searchForLeaks } from './intune-leaks.ts';
import { clientPerCallTarget, clientTarget, emulatorTarget, fetchTarget, undiciTarget } from './intune-targets.ts';
import type { Target } from './intune-targets.ts';
import { median, percentile } from './statistics.ts';

const { values: options } = parseArgs({
  options: {
    concurrency: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    calls: { type: 'string', default: '100000' },
  },
});
const concurrency = Number(options.concurrency);
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const leakCalls = Number(options.calls);
if (!(concurrency >= 1 && rounds >= 0 && seconds > 0 && leakCalls >= 0)) {
  throw new Error('--concurrency, --rounds, --seconds and --calls take positive numbers.');
}

interface Result {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  readonly cpuMs: number;
}

const folder = mkdtempSync(join(tmpdir(), 'scepter-bench-intune-'));
const children: Child<never>[] = [];
let healthy = true;
try {
  const bare = started(startChild<BareIntune>('./bare-intune.ts'));
  const urls = await bare.call('start', {});
  if (rounds > 0) await measureSpeed(urls);
  if (leakCalls > 0) {
    const { lines, isHealthy } = await searchForLeaks({ bare, urls, concurrency, calls: leakCalls });
    lines.forEach(print);
    healthy &&= isHealthy;
  }
} finally {
  for (const child of children.toReversed()) await child.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = healthy ? 0 : 1;

async function measureSpeed(bare: BareIntuneUrls): Promise<void> {
  const targets = [
    await emulatorTarget(started(startChild<BenchEmulator>('./bench-emulator.ts')), folder),
    clientTarget(bare),
    clientPerCallTarget(bare),
    undiciTarget(bare),
    fetchTarget(bare),
  ];
  const results = new Map<Target, Result[]>(targets.map((target) => [target, []]));
  // The first round warms up. Rounds are interleaved, because machines are noisy.
  for (let round = 0; round <= rounds; round += 1) {
    for (const target of targets) {
      const result = await load(target.call, round === 0 ? 1000 : seconds * 1000);
      if (round > 0) results.get(target)?.push(result);
    }
  }
  for (const target of targets) await target.close();
  print(`Validations at ${concurrency} concurrent calls, medians of ${rounds} rounds of ${seconds} s`);
  print(`Node ${process.version.slice(1)}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? ''}`.slice(0, 80));
  print('');
  print(row(['', 'calls/s', 'p50 ms', 'p99 ms', 'CPU ms', 'failures']));
  for (const [{ label }, measured] of results) {
    const middle = (key: keyof Result): number => median(measured.map((result) => result[key]));
    const failures = measured.reduce((sum, result) => sum + result.failures, 0);
    healthy &&= failures === 0;
    print(
      row([
        label,
        middle('perSecond').toFixed(0),
        middle('p50Ms').toFixed(1),
        middle('p99Ms').toFixed(1),
        middle('cpuMs').toFixed(3),
        String(failures),
      ]),
    );
  }
  print('');
}

/** Keeps `concurrency` calls under way for as long as told. */
async function load(call: Target['call'], durationMs: number): Promise<Result> {
  const latencies: number[] = [];
  let failures = 0;
  let number = 0;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (performance.now() - start < durationMs) {
      const sentAt = performance.now();
      number += 1;
      await call(number).catch(() => (failures += 1));
      latencies.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  const elapsedMs = performance.now() - start;
  const cpu = process.cpuUsage(cpuBefore);
  return {
    perSecond: (latencies.length / elapsedMs) * 1000,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    failures,
    cpuMs: (cpu.user + cpu.system) / 1000 / latencies.length,
  };
}

function started<Offered extends Child<never>>(child: Offered): Offered {
  children.push(child);
  return child;
}

function row([label = '', ...figures]: readonly string[]): string {
  return label.padEnd(28) + figures.map((figure) => figure.padStart(10)).join('');
}

function print(line: string): void {
  console.log(line);
}
