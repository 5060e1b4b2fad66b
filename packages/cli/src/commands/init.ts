import { join, relative, resolve } from 'node:path';
import { Command } from 'commander';
import { CommandError } from '../command-error.ts';
import { configurationTemplate, settingExplanations } from '../configuration-template.ts';
import { exists, writeFileAtomically } from '../files.ts';
import { shorterPath } from '../format.ts';
import type { Screen } from '../screen.ts';
import { quoteForShell } from '../terminal.ts';
import type { World } from '../world.ts';

interface InitOptions {
  readonly folder: string;
  readonly force?: true;
}

const examples = `
Writes <folder>/scepter.json, explains its values, and creates nothing else: the
CA and the database come with the first \`scepter serve\`.

Examples:
  $ scepter init
  $ scepter init --folder /etc/scepter`;

/** `scepter init`: a configuration file to start from. */
export function initCommand(world: World, screen: Screen): Command {
  return new Command('init')
    .summary('write a configuration file to start from')
    .description('Writes a configuration file for `scepter serve` and explains each of its values.')
    .option('--folder <path>', 'folder for scepter.json; it has to exist', '.')
    .option('--force', 'overwrite a configuration that is there')
    .addHelpText('after', examples)
    .action((options: InitOptions) => init(options, world, screen));
}

async function init(options: InitOptions, world: World, { out }: Screen): Promise<void> {
  const path = join(resolve(world.workingFolder, options.folder), 'scepter.json');
  if (options.force !== true && (await exists(path))) {
    throw new CommandError(`${path} is there already.`, { hint: 'Overwrite it with --force.' });
  }
  await writeFileAtomically(path, `${JSON.stringify(configurationTemplate, undefined, 2)}\n`, 0o644);
  const shown = shorterPath(path, relative(world.workingFolder, path));
  out.text(`Wrote ${shown}. Its values:`);
  out.blank();
  const column = Math.max(...settingExplanations.map(([name]) => name.length)) + 2;
  for (const [name, explanation] of settingExplanations) {
    out.text(`${name.padEnd(column)}${explanation}`, { indent: 2, hanging: column });
  }
  out.blank();
  out.text('Put your tenant’s values in, set the secret, check the connection, and start the server:');
  out.command(['export', 'SCEPTER_CLIENT_SECRET=…'], { indent: 2 });
  out.command(['npx scepter check', `--config ${quoteForShell(shown)}`], { indent: 2 });
  out.command(['npx scepter serve', `--config ${quoteForShell(shown)}`], { indent: 2 });
}
