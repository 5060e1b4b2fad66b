import { Command, InvalidArgumentError, Option } from 'commander';
import { hashChallenge } from '@scepter/server';
import { openAdminClient } from '../admin-client.ts';
import { printChallenges, printNewChallenge } from '../challenge/print.ts';
import type { ListedChallenge, NewChallenge } from '../challenge/print.ts';
import { CommandError, usageError } from '../command-error.ts';
import { parseAlternativeName, parseSubject } from '../enroll/options.ts';
import type { Screen } from '../screen.ts';
import { toJsonLine } from '../terminal.ts';
import type { World } from '../world.ts';
import { runningServerOption } from './common-options.ts';

interface ServerOptions {
  readonly config: string;
  readonly json?: true;
}

interface CreateOptions extends ServerOptions {
  readonly endpoint: string;
  readonly kind: 'one-time' | 'static';
  readonly validFor: number;
  readonly uses?: number;
  readonly subject?: string;
  readonly san?: readonly string[];
  readonly label?: string;
  readonly quiet?: true;
}

const examples = `
For devices of an MDM other than Intune, or without any: make a challenge for
each device, put it into the device's SCEP profile, and it gets one certificate.
The server must run on this machine; it is found through --config.

Examples:
  $ scepter challenge create --endpoint printers --valid-for 2h
  $ scepter challenge create --endpoint printers --subject CN=printer-7 \\
      --san DNS:printer-7.example --label 'printer 7, second floor'
  $ scepter challenge list --endpoint printers
  $ scepter challenge revoke 5f0c1d2e3a4b5c6d`;

const createExamples = `
The challenge is shown once. Without a terminal, or with --quiet, it is printed
alone, for scripts. Only a keyed digest of it is kept.

With --subject, it serves a request with this subject and no alternative names
but those of --san: whoever steals it gets no other name.

Examples:
  $ scepter challenge create --endpoint printers
  $ scepter challenge create --endpoint laptops --kind static --uses 30 \\
      --valid-for 7d --label 'rollout in Oslo'
  $ scepter challenge create --endpoint printers --subject CN=printer-7 |
      scepter enroll --url http://scep.example.com/scep/printers \\
      --subject CN=printer-7 --challenge-file -`;

const listExamples = `
The newest first. No challenge is ever shown again.

Examples:
  $ scepter challenge list
  $ scepter challenge list --endpoint printers --json`;

const revokeExamples = `
The certificates that it was used for stay valid.

Examples:
  $ scepter challenge revoke 5f0c1d2e3a4b5c6d`;

const hashExamples = `
Reads the challenge from standard input, and prints the line that stands for it
in the configuration as "challengeHash" of an endpoint's authorizer. No server
needs to run.

Examples:
  $ scepter challenge hash < challenge.txt`;

/** `scepter challenge`: challenges made at run time, and hashes of configured ones. */
export function challengeCommand(world: World, screen: Screen): Command {
  return new Command('challenge')
    .summary('make, list and revoke challenges for devices')
    .description('Makes challenges for devices while the server runs, lists and revokes them.')
    .addHelpText('after', examples)
    .helpCommand(false)
    .addCommand(createCommand(world, screen))
    .addCommand(listCommand(world, screen))
    .addCommand(revokeCommand(world, screen))
    .addCommand(hashCommand(world, screen));
}

function createCommand(world: World, screen: Screen): Command {
  return new Command('create')
    .summary('make a challenge, for one certificate or several')
    .description('Makes a challenge that an endpoint of the running server takes.')
    .requiredOption('--endpoint <name>', 'endpoint that takes it; no other does')
    .addOption(
      new Option('--kind <kind>', 'one-time: one certificate; static: several')
        .choices(['one-time', 'static'])
        .default('one-time'),
    )
    .addOption(new Option('--valid-for <time>', 'such as 30m, 12h or 7d').default(3600, '1h').argParser(parseTime))
    .addOption(new Option('--uses <number>', 'certificates of a static one (default: any number)').argParser(parseUses))
    .option('--subject <name>', 'the only subject it serves, such as CN=printer-7')
    .option(
      '--san <name>',
      'alternative name it serves then: DNS:… email:… UPN:… URI:… IP:…; may be repeated',
      (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value],
    )
    .option('--label <text>', 'what you call it')
    .option('--quiet', 'print the challenge alone')
    .option('--json', 'print one JSON object')
    .addOption(runningServerOption())
    .addHelpText('after', createExamples)
    .action((options: CreateOptions) => create(options, world, screen));
}

async function create(options: CreateOptions, world: World, { out }: Screen): Promise<void> {
  if (options.subject !== undefined) parseSubject(options.subject);
  for (const name of options.san ?? []) parseAlternativeName(name);
  if (options.san !== undefined && options.subject === undefined) {
    throw usageError('--san needs --subject.', 'A challenge is bound to a whole name, or to none.');
  }
  const admin = await openAdminClient(options.config, world);
  // The server of this very release checks and makes it.
  const created = (await admin.post('/api/challenges', {
    endpoint: options.endpoint,
    kind: options.kind,
    validForSeconds: options.validFor,
    ...(options.uses === undefined ? {} : { maximumUses: options.uses }),
    ...(options.subject === undefined ? {} : { subject: options.subject, subjectAltNames: options.san ?? [] }),
    ...(options.label === undefined ? {} : { label: options.label }),
  })) as NewChallenge;
  if (options.json) out.raw(toJsonLine(created));
  else if (options.quiet || world.stdout.isTTY !== true) out.raw(created.challenge);
  else printNewChallenge(out, created);
}

function listCommand(world: World, screen: Screen): Command {
  return new Command('list')
    .summary('show the challenges that were made')
    .description('Shows the challenges that were made while the server ran.')
    .option('--endpoint <name>', 'only those of this endpoint')
    .addOption(new Option('--limit <number>', 'how many').default(100).argParser(parseLimit))
    .option('--json', 'print a JSON array')
    .addOption(runningServerOption())
    .addHelpText('after', listExamples)
    .action(async (options: ServerOptions & { readonly endpoint?: string; readonly limit: number }) => {
      const admin = await openAdminClient(options.config, world);
      const query = { endpoint: options.endpoint, limit: String(options.limit) };
      const { challenges } = (await admin.get('/api/challenges', query)) as { challenges: ListedChallenge[] };
      if (options.json) screen.out.raw(toJsonLine(challenges));
      else printChallenges(screen.out, challenges, world.now());
    });
}

function revokeCommand(world: World, screen: Screen): Command {
  return new Command('revoke')
    .summary('make a challenge useless')
    .description('Revokes a challenge that was made while the server ran.')
    .argument('<id>', 'as create and list show it')
    .addOption(runningServerOption())
    .addHelpText('after', revokeExamples)
    .action(async (id: string, options: ServerOptions) => {
      const admin = await openAdminClient(options.config, world);
      await admin.delete(`/api/challenges/${encodeURIComponent(id)}`);
      screen.out.text(`Challenge ${id} is revoked: it serves no other request.`);
    });
}

function hashCommand(world: World, screen: Screen): Command {
  return new Command('hash')
    .summary("print the hash of a challenge, for the server's configuration")
    .description('Prints the hash of a challenge, so that the configuration need not hold it.')
    .addHelpText('after', hashExamples)
    .action(async () => {
      const challenge = (await world.readStdin()).replace(/\r?\n$/u, '');
      checkChallenge(challenge, screen);
      screen.out.raw(await hashChallenge(challenge, world.randomBytes));
    });
}

/** PKCS #9 allows 255 characters. Nothing of it is repeated here. */
function checkChallenge(challenge: string, { err }: Screen): void {
  if (challenge === '') {
    throw usageError('Standard input is empty.', 'Write the challenge to it: scepter challenge hash < challenge.txt');
  }
  if (/\p{Cc}/u.test(challenge)) throw new CommandError('A challenge is one line, without control characters.');
  if (challenge.length < 8 || challenge.length > 255) throw new CommandError('A challenge has 8 to 255 characters.');
  if (challenge.length >= 16) return;
  err.text('scepter: warning: under 16 characters a challenge can be guessed from its hash.', { hanging: 2 });
}

const secondsOf = { m: 60, h: 3600, d: 86_400 } as const;

function parseTime(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([mhd])$/u.exec(text) ?? [];
  const seconds = Number(number) * (secondsOf[unit as keyof typeof secondsOf] ?? 0);
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('It is a number of minutes, hours or days: 30m, 12h, 7d.');
}

function parseUses(text: string): number {
  if (/^[1-9]\d{0,5}$/u.test(text) || text === '1000000') return Number(text);
  throw new InvalidArgumentError('It is a number from 1 to 1000000.');
}

function parseLimit(text: string): number {
  if (/^[1-9]\d{0,2}$/u.test(text) || text === '1000') return Number(text);
  throw new InvalidArgumentError('It is a number from 1 to 1000.');
}
