import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import { createLogger, parseSettings, startServer } from '@scepter/server';
import type { Settings } from '@scepter/server';
import { thumbprint } from '@scepter/x509';
import { aborted } from '../aborted.ts';
import { readConfiguration } from '../read-configuration.ts';
import type { Screen } from '../screen.ts';
import type { World } from '../world.ts';

interface ServeOptions {
  readonly config: string;
}

const examples = `
Serves SCEP until Ctrl-C or SIGTERM; requests in work are answered first.
The log goes to standard output: readable lines on a terminal, JSON otherwise.

\`scepter init\` writes a configuration to start from. Secrets stay outside it, in
the environment or in files of their own; it says where.

Examples:
  $ scepter init
  $ scepter serve --config scepter.json
  $ scepter serve --config /etc/scepter/scepter.json >> /var/log/scepter.log`;

/** `scepter serve`: the server alone. */
export function serveCommand(world: World, screen: Screen): Command {
  return new Command('serve')
    .summary('run the SCEP server from a configuration file')
    .description('Runs the SCEP server, with its CA, from a configuration file.')
    .requiredOption('--config <file>', 'configuration file (JSON)')
    .addHelpText('after', examples)
    .action((options: ServeOptions) => serve(options, world, screen));
}

async function serve(options: ServeOptions, world: World, screen: Screen): Promise<void> {
  const interruption = world.takeInterruption();
  try {
    const settings = await readSettings(resolve(world.workingFolder, options.config), world);
    const pretty = world.stdout.isTTY === true;
    const level = world.environment['SCEPTER_DEBUG'] ? 'debug' : 'info';
    const server = await startServer({
      settings,
      now: world.now,
      randomBytes: world.randomBytes,
      logger: createLogger({ destination: world.stdout, pretty, level, now: world.now }),
    });
    try {
      if (pretty) {
        for (const { name, url } of server.endpoints) screen.out.text(`${name}: ${url}`, { indent: 2 });
        screen.out.text('SHA-256 fingerprint of the issuing CA, for clients that pin it:', { indent: 2 });
        screen.out.text(thumbprint(server.authority.issuingCertificate, 'sha256'), { indent: 4 });
      }
      await aborted(interruption.signal);
    } finally {
      await server.close();
    }
  } finally {
    interruption.dispose();
  }
}

async function readSettings(path: string, world: World): Promise<Settings> {
  const json = await readConfiguration(path);
  return parseSettings(json, { baseFolder: dirname(path), environment: world.environment });
}
