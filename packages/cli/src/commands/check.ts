import { Command, InvalidArgumentError, Option } from 'commander';
import { checkConnection } from '@scepter/intune';
import type { ConnectionReport } from '@scepter/intune';
import { chooseConnections } from '../check/connections.ts';
import type { CheckSource, NamedConnection } from '../check/connections.ts';
import { exitCodeOf, exitCodes } from '../check/exit-codes.ts';
import { printReport } from '../check/print-report.ts';
import { CommandError } from '../command-error.ts';
import { reportError } from '../errors.ts';
import { ExitWith } from '../exit-with.ts';
import type { Screen } from '../screen.ts';
import { toJsonLine } from '../terminal.ts';
import type { World } from '../world.ts';
import { folderOption } from './common-options.ts';

interface CheckOptions extends CheckSource {
  readonly json?: true;
  readonly timeout: number;
}

const examples = `
Walks from this machine to Intune and says for each step what it saw, what is
wrong and what to do: options, credential, proxy, TLS, clock, tokens and the
permissions in them, discovery, and a validation that Intune has to refuse.
Nothing is changed, and no secret is shown.

Which connections: those of --config (all, or one by --connection), that of a
properties file as Microsoft's library reads it, or of the same names in the
environment. Without any of these: of scepter.json in this folder, else of the
demo or emulator that runs here.

Exit codes, as Nagios and others read them:
  0  all is well             2  something failed: no certificates
  1  there are warnings      3  could not be checked: wrong command line or
                                configuration, or interrupted

Examples:
  $ scepter check
  $ scepter check --config /etc/scepter/scepter.json --connection contoso
  $ scepter check --properties intune.properties --json
  $ scepter demo       and in another terminal: scepter check --demo`;

/** `scepter check`: the doctor. */
export function checkCommand(world: World, screen: Screen): Command {
  return new Command('check')
    .summary('find out whether the connection to Intune works, and if not, why')
    .description('Checks the connection to Intune step by step, and says what to do about what is wrong.')
    .option('--config <file>', "the server's configuration file (JSON)")
    .option('--connection <name>', 'only this connection of it')
    .option('--properties <file>', "properties file of Microsoft's library")
    .option('--environment', 'the same properties as environment variables')
    .option('--allow-loopback', 'with these two: Intune may be an emulator on this machine')
    .option('--demo', 'the demo or emulator that runs in --folder')
    .addOption(folderOption())
    .addOption(new Option('--timeout <seconds>', 'time for each step').default(15).argParser(parseTimeout))
    .option('--json', 'print one JSON object, and nothing else')
    .addHelpText('after', examples)
    .action((options: CheckOptions) => check(options, world, screen));
}

function parseTimeout(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,3}$/u.test(text) && seconds >= 1 && seconds <= 600) return seconds;
  throw new InvalidArgumentError('It is a number of seconds from 1 to 600.');
}

async function check(options: CheckOptions, world: World, screen: Screen): Promise<void> {
  const interruption = world.takeInterruption();
  try {
    const connections = await chooseConnections(options, world);
    const reports = await checkAll(connections, options, screen, interruption.signal);
    const exitCode = exitCodeOf(reports.flatMap(({ checks }) => checks));
    if (options.json) screen.out.raw(toJsonLine({ ok: exitCode !== exitCodes.failed, exitCode, reports }));
    if (exitCode !== exitCodes.ok) throw new ExitWith(exitCode);
  } catch (error) {
    throw asUnknown(error, interruption.signal, world, screen);
  } finally {
    interruption.dispose();
  }
}

async function checkAll(
  connections: readonly NamedConnection[],
  { json, timeout }: CheckOptions,
  { out }: Screen,
  signal: AbortSignal,
): Promise<(ConnectionReport & { readonly connection: string })[]> {
  const reports = [];
  for (const { name, options } of connections) {
    const timeoutMs = timeout * 1000;
    const report = await checkConnection({ ...options, timeoutMs, attemptTimeoutMs: timeoutMs }, { signal });
    if (json !== true) printReport(out, name, report);
    reports.push({ connection: name, ...report });
  }
  return reports;
}

/** Nothing was found out: that is neither good nor bad news of the connection. */
function asUnknown(error: unknown, signal: AbortSignal, world: World, screen: Screen): unknown {
  if (error instanceof ExitWith) return error;
  const told = signal.aborted ? new CommandError('Interrupted before the check was done.') : error;
  reportError(told, screen.err, Boolean(world.environment['SCEPTER_DEBUG']));
  return new ExitWith(exitCodes.unknown);
}
