import { dirname, resolve } from 'node:path';
import { intuneOptionsFromProperties, loadIntuneOptions } from '@scepter/intune';
import type { IntuneClientOptions } from '@scepter/intune';
import { EmulatorControl } from '@scepter/intune-emulator';
import { intuneOptions, parseConnections } from '@scepter/server';
import { CommandError, usageError } from '../command-error.ts';
import { exists, readTextFile } from '../files.ts';
import { readConfiguration } from '../read-configuration.ts';
import { findControlUrl, recordFiles } from '../run-record.ts';
import type { World } from '../world.ts';

/** Where the command line says that the connections are. */
export interface CheckSource {
  readonly config?: string;
  readonly connection?: string;
  readonly properties?: string;
  readonly environment?: true;
  /** For properties, which have no name for it. */
  readonly allowLoopback?: true;
  readonly demo?: true;
  readonly folder: string;
}

/** A connection to check, and how to speak of it. */
export interface NamedConnection {
  readonly name: string;
  readonly options: IntuneClientOptions;
}

const standardConfiguration = 'scepter.json';

/**
 * The connections that are meant.
 *
 * @throws CommandError when there is none, or not one way of naming them; and what reading them throws
 */
export async function chooseConnections(source: CheckSource, world: World): Promise<readonly NamedConnection[]> {
  const { config, connection, properties, environment, demo, allowLoopback } = source;
  const named = Object.entries({
    '--config': config,
    '--properties': properties,
    '--environment': environment,
    '--demo': demo,
  })
    .filter(([, value]) => value !== undefined)
    .map(([option]) => option);
  if (named.length > 1) throw usageError(`${named.join(' and ')} exclude each other.`, 'Check one after the other.');
  if (connection !== undefined && named[0] !== undefined && config === undefined) {
    throw usageError(
      `--connection and ${named[0]} exclude each other.`,
      'Only a configuration file names connections.',
    );
  }
  const overrides = { now: world.now, ...(allowLoopback === undefined ? {} : { allowLoopback }) };
  if (properties !== undefined) return fromProperties(resolve(world.workingFolder, properties), overrides);
  if (environment !== undefined) {
    return [{ name: 'environment', options: intuneOptionsFromProperties(world.environment, overrides) }];
  }
  if (allowLoopback !== undefined) {
    throw usageError(
      '--allow-loopback goes with --properties or --environment.',
      'A configuration file says allowLoopback itself.',
    );
  }
  if (demo !== undefined) return fromEmulator(source.folder, world);
  const file = resolve(world.workingFolder, config ?? standardConfiguration);
  if (config !== undefined || connection !== undefined || (await exists(file)))
    return fromConfiguration(file, connection, world);
  return fromNothing(source.folder, world);
}

/** Neither an option nor a configuration in this folder: a newcomer's demo, or somebody in the wrong folder. */
async function fromNothing(folder: string, world: World): Promise<NamedConnection[]> {
  const hasRun = await Promise.all(
    Object.values(recordFiles).map((file) => exists(resolve(world.workingFolder, folder, file))),
  );
  if (hasRun.includes(true)) return fromEmulator(folder, world);
  throw usageError(
    `There is no ${standardConfiguration} in this folder, and no demo has run here.`,
    'Say what to check: --config, --properties or --environment.',
  );
}

async function fromConfiguration(file: string, only: string | undefined, world: World): Promise<NamedConnection[]> {
  const json = await readConfiguration(file);
  const connections = parseConnections(json, { baseFolder: dirname(file), environment: world.environment });
  const chosen = connections.filter(({ name }) => only === undefined || name === only);
  if (chosen.length > 0) {
    return chosen.map((connection) => ({ name: connection.name, options: intuneOptions(connection, world.now) }));
  }
  if (only === undefined)
    throw new CommandError(`${file} describes no connection.`, {
      hint: 'There is nothing to check: no endpoint asks Intune.',
    });
  throw new CommandError(`${file} has no connection ${JSON.stringify(only)}.`, {
    hint: `It has ${connections.map(({ name }) => name).join(', ') || 'none'}.`,
  });
}

async function fromProperties(file: string, overrides: Partial<IntuneClientOptions>): Promise<NamedConnection[]> {
  if (!(await exists(file))) {
    const hint = 'Give the path of the properties file that configures Microsoft’s library.';
    throw new CommandError(`There is no file ${file}.`, { hint });
  }
  return [{ name: file, options: loadIntuneOptions(file, overrides) }];
}

async function fromEmulator(folder: string, world: World): Promise<NamedConnection[]> {
  const url = await findControlUrl(resolve(world.workingFolder, folder), world, '--folder');
  const { tenantId, clientId, clientSecret, authorityUrl, graphUrl, intuneResource, tlsCaFile } =
    await new EmulatorControl({ url, fetch: world.fetch }).connection();
  const ca = await readTextFile(tlsCaFile);
  const options: IntuneClientOptions = {
    tenant: tenantId,
    credential: { clientId, clientSecret },
    callerInfo: 'Scepter/0.1.0',
    authority: authorityUrl,
    graphUrl,
    intuneResource,
    ...(ca === undefined ? {} : { tls: { ca } }),
    allowLoopback: true,
    now: world.now,
  };
  return [{ name: 'emulator', options }];
}
