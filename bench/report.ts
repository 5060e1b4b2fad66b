/** The bench's result as lines of at most 80 columns. */
import { targetNames } from './measurements.ts';
import type { Measurements, TargetName } from './measurements.ts';

export interface ReportContext {
  readonly connections: readonly number[];
  readonly workers: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly scepserverVersion: string | undefined;
  readonly node: string;
  readonly cores: number;
  readonly processor: string;
}

/** Wanted of the static challenge at 16 connections. */
const wanted = { connections: 16, timesScepserver: 3, shareOfLimit: 0.4 } as const;

const labels: Readonly<Record<TargetName, string>> = {
  static: 'Scepter, static challenge',
  scepserver: 'micromdm scepserver',
  intune: 'Scepter, Intune (emulated)',
};

export function formatReport(measurements: Measurements, context: ReportContext): string[] {
  return [
    ...header(context),
    '',
    row('', 'connections', 'enroll/s', 'p50 ms', 'p99 ms', 'failures'),
    ...targetNames.flatMap((target) => targetRows(measurements, target, context)),
    '',
    `The machine's limit (three RSA-2048 private operations each, ${context.workers} threads)`,
    row('', '', measurements.limit().toFixed(0), '', '', ''),
    '',
    ...verdict(measurements, context),
    ...measurements
      .failures()
      .map(([target, failure]) => `First failure of ${labels[target]}: ${failure}`.slice(0, 160)),
  ];
}

function header({ node, cores, processor, rounds, seconds, workers }: ReportContext): string[] {
  return [
    `Enrollments: PKCSReq, RSA-2048 device, RA and CA keys, SHA-256, AES-128-CBC,`,
    `SQLite with durable commits, ${workers} crypto workers.`,
    `Node ${node.slice(1)}, ${cores} cores, ${processor}`.slice(0, 80),
    `Medians of ${rounds} round${rounds === 1 ? '' : 's'} of about ${seconds} s; the load comes from the same machine.`,
  ];
}

function targetRows(measurements: Measurements, target: TargetName, context: ReportContext): string[] {
  const rows = context.connections.flatMap((connections, index) => {
    const summary = measurements.summary(target, connections);
    if (summary === undefined) return [];
    return row(
      index === 0 ? labels[target] : '',
      String(connections),
      summary.perSecond.toFixed(0),
      summary.p50Ms.toFixed(1),
      summary.p99Ms.toFixed(1),
      String(summary.failures),
    );
  });
  if (rows.length > 0) return rows;
  return [`${labels[target]}: not installed (Debian: apt-get install scep)`];
}

function verdict(measurements: Measurements, { workers }: ReportContext): string[] {
  const { connections, timesScepserver, shareOfLimit } = wanted;
  const ours = measurements.summary('static', connections);
  if (ours === undefined) return [];
  const theirs = measurements.summary('scepserver', connections);
  const times = theirs === undefined ? undefined : ours.perSecond / theirs.perSecond;
  const share = ours.perSecond / measurements.limit();
  const rsaCpuMs = (workers * 1000) / measurements.limit();
  return [
    `Static challenge, ${connections} connections                  measured    wanted`,
    verdictRow('failures', String(ours.failures), '0', ours.failures === 0),
    times === undefined
      ? verdictRow('times scepserver', 'n/a', `>= ${timesScepserver}`, undefined)
      : verdictRow('times scepserver', times.toFixed(2), `>= ${timesScepserver}`, times >= timesScepserver),
    verdictRow(
      'share of the limit',
      `${(share * 100).toFixed(0)} %`,
      `>= ${shareOfLimit * 100} %`,
      share >= shareOfLimit,
    ),
    `  processor time each: server ${ours.serverCpuMs.toFixed(2)} ms (its RSA alone ${rsaCpuMs.toFixed(2)} ms), load ${ours.loadCpuMs.toFixed(2)} ms`,
  ];
}

function verdictRow(what: string, measured: string, want: string, met: boolean | undefined): string {
  const mark = met === undefined ? '' : met ? '  met' : '  NOT MET';
  return `  ${what.padEnd(44)}${measured.padStart(8)}${want.padStart(10)}${mark}`.slice(0, 80).trimEnd();
}

function row(label: string, connections: string, rate: string, p50: string, p99: string, failures: string): string {
  const cells = [connections.padStart(11), rate.padStart(10), p50.padStart(9), p99.padStart(9), failures.padStart(10)];
  return `${label.padEnd(28)}${cells.join('')}`.trimEnd();
}
