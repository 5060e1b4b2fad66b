import { Command, CommanderError } from 'commander';
import { exitCodes } from './check/exit-codes.ts';
import { authorityCommand } from './commands/authority.ts';
import { checkCommand } from './commands/check.ts';
import { challengeCommand } from './commands/challenge.ts';
import { demoCommand } from './commands/demo.ts';
import { emulateCommand } from './commands/emulate.ts';
import { enrollCommand } from './commands/enroll.ts';
import { initCommand } from './commands/init.ts';
import { probeCommand } from './commands/probe.ts';
import { requestCommand } from './commands/request.ts';
import { serveCommand } from './commands/serve.ts';
import { reportError } from './errors.ts';
import { ExitWith } from './exit-with.ts';
import type { Screen } from './screen.ts';
import { createTerminal } from './terminal.ts';
import type { World } from './world.ts';

const examples = `
Start here:
  $ scepter demo            everything on this machine, five devices enrolling
  $ scepter init            a configuration file for your own tenant
  $ scepter check           whether the tenant's Intune can be reached and used
  $ scepter serve --config scepter.json

Each command explains itself: scepter demo --help. From a checkout, every
command is run as npx scepter …`;

/**
 * Runs one command line.
 *
 * @param words what comes after `scepter`.
 * @returns the exit code: 0 it worked, 1 it did not, 2 it was asked wrongly; `check` has its own.
 */
export async function runProgram(words: readonly string[], world: World): Promise<number> {
  const screen: Screen = {
    out: createTerminal(world.stdout, world.environment),
    err: createTerminal(world.stderr, world.environment),
  };
  const program = composeProgram(world, screen);
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof ExitWith) return error.exitCode;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode(words);
    return reportError(error, screen.err, Boolean(world.environment['SCEPTER_DEBUG']));
  }
}

/** In monitoring 2 is an alarm, which a misspelt option is not. */
function usageExitCode([command]: readonly string[]): number {
  return command === 'check' ? exitCodes.unknown : 2;
}

function composeProgram(world: World, screen: Screen): Command {
  const program = new Command('scepter')
    .description('Certificates for every device that Microsoft Intune manages, from your own CA.')
    .addHelpText('after', examples)
    .version(world.version, '--version', 'print the version')
    .helpCommand(false);
  const commands = [
    demoCommand(world, screen),
    serveCommand(world, screen),
    initCommand(world, screen),
    checkCommand(world, screen),
    challengeCommand(world, screen),
    requestCommand(world, screen),
    authorityCommand(world, screen),
    enrollCommand(world, screen),
    probeCommand(world, screen),
    emulateCommand(world, screen),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap((parent) => parent.commands)]) {
    teach(command, world, screen);
  }
  return program;
}

/** Gives a command the output rules and the exit codes of all others. */
function teach(command: Command, world: World, screen: Screen): void {
  command
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: screen.out.width, showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => void world.stdout.write(text),
      writeErr: (text) => void world.stderr.write(text),
      getOutHelpWidth: () => screen.out.width,
      getErrHelpWidth: () => screen.err.width,
      outputError: (text) => {
        screen.err.text(
          `scepter: ${text
            .trim()
            .replace(/^error: /u, '')
            .replaceAll('\n', ' ')}`,
          { tone: 'bad' },
        );
        screen.err.text(`Hint: ${fullName(command)} --help explains it.`);
      },
    });
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}
