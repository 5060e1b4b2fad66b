import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EmulatorControl } from '@scepter/intune-emulator';
import type { ChallengeInput } from '@scepter/intune-emulator';
import { usageError } from '../command-error.ts';
import { parseAlternativeName, parseSubject } from '../enroll/options.ts';
import { findControlUrl } from '../run-record.ts';
import type { Screen } from '../screen.ts';
import type { World } from '../world.ts';
import { folderOption } from './common-options.ts';

interface ChallengeOptions {
  readonly subject: string;
  readonly san?: readonly string[];
  readonly count: number;
  readonly json?: true;
  readonly folder: string;
  readonly control?: string;
}

const mostChallenges = 1000;

const sanTypes = {
  dns: 'domainNameService',
  email: 'emailAddress',
  upn: 'userPrincipalName',
  uri: 'universalResourceIdentifier',
} as const;

const examples = `
Each challenge is good for one request with exactly this subject and these
alternative names, for 60 minutes. One a line, or a JSON array with --json.

Examples:
  $ scepter emulate challenge --subject CN=printer-7
  $ scepter emulate challenge --subject 'CN=anna,O=Contoso' \\
      --san UPN:anna@contoso.example --count 100 --json
  $ scepter emulate challenge --subject CN=x | \\
      scepter enroll --url http://127.0.0.1:8080/scep/intune \\
      --subject CN=x --challenge-file -`;

/** `scepter emulate challenge`: fresh challenges from the emulator that runs. */
export function challengeCommand(world: World, screen: Screen): Command {
  return new Command('challenge')
    .summary('print fresh Intune challenges from the running emulator')
    .description('Prints Intune challenges from the running demo or emulator, for any SCEP client to try.')
    .requiredOption('--subject <name>', 'subject the request will have, such as CN=printer-7')
    .option(
      '--san <name>',
      'alternative name it will have, DNS:… email:… UPN:… or URI:…; may be repeated',
      (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
    )
    .addOption(new Option('--count <number>', 'how many challenges').default(1).argParser(parseCount))
    .option('--json', 'print a JSON array of strings')
    .addOption(folderOption())
    .option('--control <url>', "the emulator's control URL (default: as the folder's record says)")
    .addHelpText('after', examples)
    .action(async (options: ChallengeOptions, command: Command) => {
      const challenges = await mint({ ...options, folder: folderOf(command) }, world);
      if (options.json) screen.out.raw(JSON.stringify(challenges));
      else for (const challenge of challenges) screen.out.raw(challenge);
    });
}

/** `--folder` may stand before `challenge` too, where it is the parent's. */
function folderOf(command: Command): string {
  const { parent } = command;
  const source = parent?.getOptionValueSource('folder') === 'cli' ? parent : command;
  return source.opts<ChallengeOptions>().folder;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (/^\d{1,4}$/u.test(text) && count >= 1 && count <= mostChallenges) return count;
  throw new InvalidArgumentError(`It is a number from 1 to ${mostChallenges}.`);
}

async function mint(options: ChallengeOptions, world: World): Promise<string[]> {
  parseSubject(options.subject);
  const input: ChallengeInput = { subject: options.subject, count: options.count };
  const names = (options.san ?? []).map(asSubjectAlternativeName);
  if (names.length > 0) input.subjectAlternativeNames = names;
  const url =
    options.control ?? (await findControlUrl(resolve(world.workingFolder, options.folder), world, '--control'));
  return new EmulatorControl({ url, fetch: world.fetch }).createChallenges(input);
}

function asSubjectAlternativeName(text: string) {
  const { kind, value } = parseAlternativeName(text);
  if (!Object.hasOwn(sanTypes, kind)) throw usageError(`Intune has no alternative names like ${JSON.stringify(text)}.`);
  return { sanType: sanTypes[kind as keyof typeof sanTypes], value };
}
