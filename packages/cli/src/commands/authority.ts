import { Command } from 'commander';
import { openAdminClient } from '../admin-client.ts';
import type { AdminClient } from '../admin-client.ts';
import { printAuthorities, printAuthority } from '../authority/print.ts';
import type { ListedAuthority } from '../authority/print.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { Screen } from '../screen.ts';
import { toJsonLine } from '../terminal.ts';
import type { World } from '../world.ts';
import { runningServerOption } from './common-options.ts';

interface AuthorityOptions {
  readonly config: string;
  readonly json?: true;
}

interface ActivateOptions extends AuthorityOptions {
  readonly yes?: true;
}

const examples = `
One issuing CA follows another below the same root: stage the next one, let the
clients learn of it, then activate it. docs/pki.md says what each kind of client
does meanwhile. The server must run on this machine; it is found through
--config, and it need not be restarted.

Examples:
  $ scepter authority status
  $ scepter authority stage
  $ scepter authority activate`;

const statusExamples = `
Examples:
  $ scepter authority status
  $ scepter authority status --json`;

const stageExamples = `
Makes a new issuing CA with the keys and names of the configuration. Clients
that ask for it (GetNextCACert) learn of it from now on, and get certificates of
it when they use its RA. All others go on as before. It cannot be taken back; a
next CA that is never activated does no harm.

Examples:
  $ scepter authority stage`;

const activateExamples = `
From then on every new certificate, and every renewal, is of the next CA. The
current one issues no more; its certificates stay valid, and its CRL goes on
until the last of them has ended. It cannot be taken back.

Examples:
  $ scepter authority activate
  $ scepter authority activate --yes`;

/** `scepter authority`: the generations of the issuing CA. */
export function authorityCommand(world: World, screen: Screen): Command {
  return new Command('authority')
    .summary('show the issuing CA, stage and activate the next one')
    .description('Shows the generations of the issuing CA, and changes from one to the next.')
    .addHelpText('after', examples)
    .helpCommand(false)
    .addCommand(statusCommand(world, screen))
    .addCommand(stageCommand(world, screen))
    .addCommand(activateCommand(world, screen));
}

function statusCommand(world: World, screen: Screen): Command {
  return new Command('status')
    .summary('show each generation of the CA')
    .description('Shows each generation of the issuing CA.')
    .option('--json', 'print a JSON array')
    .addOption(runningServerOption())
    .addHelpText('after', statusExamples)
    .action(async ({ config, json }: AuthorityOptions) => {
      const authorities = await list(await openAdminClient(config, world));
      if (json) screen.out.raw(toJsonLine(authorities));
      else printAuthorities(screen.out, authorities);
    });
}

function stageCommand(world: World, screen: Screen): Command {
  return new Command('stage')
    .summary('make the next CA, and let clients learn of it')
    .description('Makes the next issuing CA, and lets clients learn of it.')
    .option('--json', 'print one JSON object')
    .addOption(runningServerOption())
    .addHelpText('after', stageExamples)
    .action(async ({ config, json }: AuthorityOptions) => {
      const admin = await openAdminClient(config, world);
      const staged = (await admin.post('/api/authorities/stage')) as ListedAuthority;
      if (json) {
        screen.out.raw(toJsonLine(staged));
        return;
      }
      printAuthority(screen.out, staged);
      screen.out.blank();
      screen.out.text('When the clients know it:');
      screen.out.command(['scepter', 'authority', 'activate'], { indent: 2 });
    });
}

function activateCommand(world: World, screen: Screen): Command {
  return new Command('activate')
    .summary('let the next CA issue, and the current one no more')
    .description('Lets the next CA issue, and the current one no more.')
    .option('--yes', 'do not ask first')
    .option('--json', 'print one JSON object')
    .addOption(runningServerOption())
    .addHelpText('after', activateExamples)
    .action(async ({ config, json, yes }: ActivateOptions) => {
      const admin = await openAdminClient(config, world);
      const authorities = await list(admin);
      const next = authorities.find(({ state }) => state === 'next');
      if (next === undefined) {
        throw new CommandError('No next CA is staged.', { hint: '`scepter authority stage` makes one.' });
      }
      if (!yes) await confirm(authorities, next, world, screen);
      // By its fingerprint: what was shown is what is activated.
      const { fingerprint } = next;
      const activated = (await admin.post('/api/authorities/activate', { fingerprint })) as ListedAuthority;
      if (json) screen.out.raw(toJsonLine(activated));
      else screen.out.text(`${activated.subject} issues from now on. No restart is needed.`, { hanging: 2 });
    });
}

async function confirm(
  authorities: readonly ListedAuthority[],
  next: ListedAuthority,
  world: World,
  { err }: Screen,
): Promise<void> {
  const current = authorities.find(({ state }) => state === 'current');
  printAuthority(err, next);
  err.blank();
  err.text(`It will issue in place of ${current?.subject}, which cannot be taken back.`, { hanging: 2 });
  const answer = await world.askLine('Type "yes" to activate it: ');
  if (answer === undefined) {
    throw usageError('There is no terminal to ask at.', 'With --yes the next CA is activated without a question.');
  }
  if (answer.trim().toLowerCase() !== 'yes') throw new CommandError('Nothing was changed.');
}

async function list(admin: AdminClient): Promise<ListedAuthority[]> {
  const { authorities } = (await admin.get('/api/authorities')) as { authorities: ListedAuthority[] };
  return authorities;
}
