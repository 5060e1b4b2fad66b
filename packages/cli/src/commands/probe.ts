import { access, constants } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  catalogue,
  countResults,
  groupNames,
  probe,
  ProbeError,
  reportToJson,
  reportToJunit,
} from '@scepter/conformance';
import type { ProbeAlgorithms, ProbeOptions } from '@scepter/conformance';
import { CommandError, usageError } from '../command-error.ts';
import { parseFingerprint, parseServerUrl, parseSubject } from '../enroll/options.ts';
import { reportError } from '../errors.ts';
import { ExitWith } from '../exit-with.ts';
import { readTextFile, writeFileAtomically } from '../files.ts';
import { chooseChallengeSource } from '../probe/challenge-source.ts';
import type { ChallengeOptions } from '../probe/challenge-source.ts';
import { printSummary, ResultPrinter } from '../probe/print-report.ts';
import type { Screen } from '../screen.ts';
import { toJsonLine } from '../terminal.ts';
import type { World } from '../world.ts';

interface ProbeCommandOptions extends ChallengeOptions {
  readonly subject?: string;
  readonly caFingerprint?: string;
  readonly caIdentifier?: string;
  readonly algorithms: ProbeAlgorithms;
  readonly group?: readonly string[];
  readonly check?: readonly string[];
  readonly abuse?: true;
  readonly pending?: number;
  readonly timeout: number;
  readonly tlsCa?: string;
  readonly brief?: true;
  readonly json?: true;
  readonly junit?: string;
}

const noVerdict = 3;

const examples = `
Tries from outside what RFC 8894 asks of a SCEP server and what real clients
need, and says for every point what was expected and what was seen. It works
with any server. Without a challenge it looks at what needs no certificate; with
one it gets about fifteen certificates in the names of --subject.

Challenges: a static one by --challenge-file; a one-time one by the same with
--one-time, good for one certificate; or --challenge-command, which is run for
every certificate and prints a fresh one. They are never shown.

--abuse sends malformed, huge and hostile messages as well, and asks for what
must not be granted. Use it only where you may.

Exit codes:
  0  no MUST failed            2  asked wrongly
  1  some MUST failed          3  no verdict: the server cannot be reached, or
                                  a MUST stayed unclear

Examples:
  $ scepter probe http://ca.example/scep
  $ scepter probe http://ca.example/scep --challenge-file challenge.txt \\
      --abuse --junit probe.xml
  $ scepter probe https://ca.example/scep --group capabilities --json
  $ scepter probe http://127.0.0.1:8080/scep/intune --subject CN=probe \\
      --challenge-command 'scepter emulate challenge --subject CN=probe'

docs/probe.md explains every check.`;

/** `scepter probe`: the checklist against any SCEP server. */
export function probeCommand(world: World, screen: Screen): Command {
  return new Command('probe')
    .summary('check any SCEP server against RFC 8894 and against real clients')
    .description('Checks a SCEP server from outside, point by point.')
    .argument('<url>', "the server's SCEP URL")
    .option('--challenge-file <path>', 'file with the challenge; - reads standard input (preferred)')
    .option('--challenge <text>', 'challenge; other users can see it in the process list')
    .option('--challenge-command <command>', 'command that prints a fresh one-time challenge')
    .option('--one-time', 'the challenge is good for one certificate')
    .option('--subject <name>', 'subject; {n} in it becomes new each time (default: CN=scepter-probe-{n})')
    .option('--ca-fingerprint <sha256>', 'SHA-256 fingerprint the CA certificate must have')
    .option('--ca-identifier <text>', 'sent with GetCACaps and GetCACert')
    .addOption(
      new Option('--algorithms <name>', "of the probe's messages")
        .choices(['modern', 'compatible', 'legacy'])
        .default('modern'),
    )
    .addOption(new Option('--group <name>', 'only this group; may be repeated').argParser(collectGroup))
    .option('--check <id>', 'only this check; may be repeated', collect)
    .option('--abuse', 'hostile messages, too')
    .addOption(new Option('--pending <seconds>', 'poll so long for an approval').argParser(parseSeconds))
    .addOption(new Option('--timeout <seconds>', 'time for each exchange').default(10).argParser(parseSeconds))
    .option('--tls-ca <file>', 'PEM file of the CAs to trust for https')
    .option('--brief', 'print what failed or is unclear, and the summary')
    .option('--json', 'print one JSON object, and nothing else')
    .option('--junit <file>', 'write JUnit XML as well')
    .addHelpText('after', examples)
    .action((url: string, options: ProbeCommandOptions) => runProbe(url, options, world, screen));
}

function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

function collectGroup(value: string, previous: readonly string[] | undefined): string[] {
  if (groupNames.some((name) => name === value)) return collect(value, previous);
  throw new InvalidArgumentError(`The groups are ${groupNames.join(', ')}.`);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,4}$/u.test(text) && seconds >= 1 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('It is a number of seconds from 1 to 3600.');
}

async function runProbe(url: string, options: ProbeCommandOptions, world: World, screen: Screen): Promise<void> {
  const plan = await planProbe(url, options, world);
  if (options.junit !== undefined) await checkJunit(options.junit, world);
  if (options.abuse === true) warnOfAbuse(screen);
  const interruption = world.takeInterruption();
  try {
    const printer = new ResultPrinter(screen.out, { brief: options.brief === true });
    const show = options.json !== true;
    const onResult: NonNullable<ProbeOptions['onResult']> = show ? (result) => printer.print(result) : () => {};
    const report = await probe({ ...plan, onResult, signal: interruption.signal });
    if (options.junit !== undefined) {
      await writeFileAtomically(resolve(world.workingFolder, options.junit), reportToJunit(report), 0o644);
    }
    if (show) {
      screen.out.blank();
      printSummary(screen.out, report);
    } else {
      screen.out.raw(toJsonLine(reportToJson(report)));
    }
    if (!report.conforms) throw new ExitWith(1);
    if (countResults(report.results).unclearMust > 0) throw new ExitWith(noVerdict);
  } catch (error) {
    throw asExit(error, world, screen);
  } finally {
    interruption.dispose();
  }
}

async function planProbe(url: string, options: ProbeCommandOptions, world: World): Promise<ProbeOptions> {
  const { caFingerprint, caIdentifier, pending, subject, tlsCa } = options;
  return {
    url: parseServerUrl(url),
    now: world.now,
    randomBytes: world.randomBytes,
    challenge: await chooseChallengeSource(options, world),
    algorithms: options.algorithms,
    only: [...groupsOf(options), ...checkIds(options.check ?? [], options.abuse === true)],
    abuse: options.abuse === true,
    timeoutMs: options.timeout * 1000,
    ...(subject === undefined ? {} : { subject: checkedSubject(subject) }),
    ...(caFingerprint === undefined ? {} : { caFingerprint: parseFingerprint(caFingerprint) }),
    ...(caIdentifier === undefined ? {} : { caIdentifier }),
    ...(pending === undefined ? {} : { pendingSeconds: pending }),
    ...(tlsCa === undefined ? {} : { tlsCa: await readTlsCa(tlsCa, world) }),
  };
}

function groupsOf({ abuse, group = [] }: ProbeCommandOptions): readonly string[] {
  if (group.includes('abuse') && abuse !== true) throw usageError('The group abuse is hostile: it needs --abuse.');
  return group;
}

function checkIds(ids: readonly string[], abuse: boolean): readonly string[] {
  const known = new Set(catalogue.flatMap(({ checks }) => checks.map(({ id }) => id)));
  const unknown = ids.find((id) => !known.has(id));
  if (unknown !== undefined) {
    throw usageError(`There is no check ${JSON.stringify(unknown)}.`, 'docs/probe.md lists every check.');
  }
  const hostile = ids.find((id) => id.startsWith('abuse.'));
  if (hostile !== undefined && !abuse) throw usageError(`${hostile} is hostile: it needs --abuse.`);
  return ids;
}

/** Reads the name with a number in the place of `{n}`, so that a mistake is told before anything is sent. */
function checkedSubject(text: string): string {
  parseSubject(text.replaceAll('{n}', '0'));
  return text;
}

async function readTlsCa(name: string, world: World): Promise<string> {
  const path = resolve(world.workingFolder, name);
  const pem = await readTextFile(path);
  if (pem === undefined) throw usageError(`There is no file ${path}.`);
  if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw usageError(`${path} has no certificate in PEM.`);
  return pem;
}

/** Before anything is sent: a report that cannot be written would be missed only at the end. */
async function checkJunit(name: string, world: World): Promise<void> {
  const folder = dirname(resolve(world.workingFolder, name));
  try {
    await access(folder, constants.W_OK);
  } catch {
    throw usageError(`--junit cannot be written: ${folder} is no folder that you may write to.`);
  }
}

function warnOfAbuse({ err }: Screen): void {
  err.text(
    'Warning: --abuse sends hostile messages to this server and may get certificates that nobody should have. Probe only servers that you may.',
    { tone: 'warning' },
  );
}

function asExit(error: unknown, world: World, screen: Screen): unknown {
  if (!(error instanceof ProbeError)) return error;
  if (error.code === 'probe.bad_option')
    return usageError(`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`);
  const told =
    error.code === 'probe.aborted'
      ? new CommandError('Interrupted before the probe was done.')
      : new CommandError(`There is ${error.message}.`, {
          hint: 'Check the URL, that the server runs, and --tls-ca where its certificate is not publicly trusted.',
          cause: error,
        });
  reportError(told, screen.err, Boolean(world.environment['SCEPTER_DEBUG']));
  return new ExitWith(noVerdict);
}
