import { relative } from 'node:path';
import type { CertificateReportRow } from '@scepter/intune-emulator';
import { formatName } from '@scepter/x509';
import { shorterPath } from '../format.ts';
import type { DemoRecord } from '../run-record.ts';
import { quoteForShell } from '../terminal.ts';
import type { Cell, Terminal } from '../terminal.ts';
import { platformNames } from './device-log.ts';
import type { DemoDevice } from './devices.ts';

/** What the summary tells about. */
export interface DemoResult {
  readonly devices: readonly DemoDevice[];
  readonly report: readonly CertificateReportRow[];
  readonly record: DemoRecord;
  readonly workingFolder: string;
  /** Whether the server stays up after the summary. */
  readonly staysUp: boolean;
}

/** Prints the demo's summary: certificates, the emulator's report, addresses, and how to go on. */
export function printSummary(out: Terminal, result: DemoResult): void {
  printCertificates(out, result.devices);
  printReport(out, result.report);
  if (result.staysUp) {
    printAddresses(out, result);
    printCommands(out, result);
  }
  printPlaces(out, result);
}

function printCertificates(out: Terminal, devices: readonly DemoDevice[]): void {
  heading(out, 'Certificates issued');
  const table = (platform: string, subject: string, serial: string, until: string, tone: Cell['tone'] = 'plain') =>
    out.row(
      [
        { text: platform, width: 18, tone },
        { text: subject, width: 26, tone },
        { text: serial, width: 16, tone },
        { text: until, tone },
      ],
      { indent: 2 },
    );
  table('device', 'subject', 'serial number', 'valid to', 'quiet');
  for (const { platform, outcome } of devices) {
    const certificates = outcome.status === 'nothing-assigned' ? [] : outcome.certificates;
    for (const { certificate } of certificates) {
      const until = certificate.notAfter.toISOString().slice(0, 10);
      table(platformNames[platform], formatName(certificate.subject), certificate.serialHex, until);
    }
    if (certificates.length === 0) table(platformNames[platform], 'none', '', '', 'bad');
  }
  for (const device of devices) printFailures(out, device);
}

function printFailures(out: Terminal, { platform, outcome }: DemoDevice): void {
  if (outcome.status !== 'failed') return;
  for (const { step, reason } of outcome.failures) {
    out.text(`${platformNames[platform]} failed at ${step}: ${reason}`, { indent: 2, hanging: 2, tone: 'bad' });
  }
}

function printReport(out: Terminal, report: readonly CertificateReportRow[]): void {
  heading(out, "Intune's report (emulated)");
  const table = (device: string, profile: string, state: string, tone: Cell['tone'] = 'plain') =>
    out.row(
      [
        { text: device, width: 24 },
        { text: profile, width: 28 },
        { text: state, tone },
      ],
      { indent: 2 },
    );
  table('device', 'SCEP profile', 'state', 'quiet');
  for (const { device, profile, certificateIssuanceState } of report) {
    table(
      device.deviceName,
      profile.displayName,
      certificateIssuanceState,
      certificateIssuanceState === 'installed' ? 'good' : 'bad',
    );
  }
}

function printAddresses(out: Terminal, { record }: DemoResult): void {
  heading(out, 'What stays up');
  const rows = [
    ...Object.entries(record.endpoints).map(([name, url]) => [`SCEP, ${name}`, url] as const),
    ['Emulator', record.microsoftUrl] as const,
    ['Its control API', record.controlUrl] as const,
  ];
  for (const [label, value] of rows) out.text(`${label.padEnd(17)} ${value}`, { indent: 2, hanging: 18 });
}

function printCommands(out: Terminal, { record, workingFolder }: DemoResult): void {
  const folder = shorterPath(record.folder, relative(workingFolder, record.folder));
  const elsewhere = folder === '.scepter' ? [] : ['--folder', quoteForShell(folder)];
  const challenge = quoteForShell(record.staticChallenge);
  heading(out, 'Go on');
  out.text("An old client: Debian's scepclient, which knows only single DES", { indent: 2 });
  command(
    out,
    'scepclient',
    '-server-url',
    url(record, 'legacy'),
    `-challenge ${challenge}`,
    '-private-key client.key',
    '-certificate client.pem',
    '-cn printer-7',
    '-organization Contoso',
  );
  out.text('A certificate by static challenge', { indent: 2 });
  command(
    out,
    'npx scepter enroll',
    `--url ${url(record, 'static')}`,
    `--challenge ${challenge}`,
    '--subject CN=printer-7',
    '--out printer-7',
    '--ca-fingerprint',
    record.caFingerprint,
  );
  out.text('Whether the connection to Intune is as it should be', { indent: 2 });
  command(out, 'npx scepter check --demo', ...pair(elsewhere));
  out.text('An Intune challenge for any SCEP client, and one for ours', { indent: 2 });
  command(out, 'npx scepter emulate challenge', '--subject CN=printer-8', ...pair(elsewhere));
  command(
    out,
    'npx scepter emulate challenge',
    '--subject CN=printer-8',
    ...pair(elsewhere),
    '| npx scepter enroll',
    `--url ${url(record, 'intune')}`,
    '--subject CN=printer-8',
    '--out printer-8',
    '--challenge-file -',
  );
}

function command(out: Terminal, ...words: string[]): void {
  out.command(words, { indent: 4 });
}

/** An option and its value stay on one line. */
function pair(words: readonly string[]): string[] {
  return words.length === 0 ? [] : [words.join(' ')];
}

function url(record: DemoRecord, endpoint: string): string {
  return quoteForShell(record.endpoints[endpoint] ?? record.serverUrl);
}

function printPlaces(out: Terminal, { record, workingFolder }: DemoResult): void {
  heading(out, 'Where things are');
  const shown = (path: string): string => shorterPath(path, relative(workingFolder, path));
  const rows = [
    ['All data', shown(record.folder)],
    ['For scripts', shown(`${record.folder}/demo.json`)],
    ['Root certificate', shown(record.rootCertificateFile)],
    ["Server's log", shown(record.logFile)],
  ] as const;
  for (const [label, value] of rows) out.text(`${label.padEnd(17)} ${value}`, { indent: 2, hanging: 18 });
}

function heading(out: Terminal, text: string): void {
  out.blank();
  out.text(text, { tone: 'strong' });
}
