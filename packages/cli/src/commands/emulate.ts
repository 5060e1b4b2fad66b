import { resolve } from 'node:path';
import { Command } from 'commander';
import type { EmulatorHost } from '@scepter/intune-emulator';
import { aborted } from '../aborted.ts';
import { makePrivateFolder } from '../files.ts';
import { requireDistinctPorts } from '../port-hints.ts';
import { recordFiles, requireIdle, writeRecord } from '../run-record.ts';
import type { Screen } from '../screen.ts';
import { startEmulator } from '../start-emulator.ts';
import type { World } from '../world.ts';
import { folderOption, portOption } from './common-options.ts';
import { challengeCommand } from './emulate-challenge.ts';

interface EmulateOptions {
  readonly folder: string;
  readonly microsoftPort: number;
  readonly controlPort: number;
}

const examples = `
It plays one tenant: the token endpoint, Graph's discovery and Intune's SCEP
validation, over HTTPS with a certificate of its own little CA. Beside them is a
control API: make profiles and devices, get challenges, set faults, read what
was reported. All of it listens on 127.0.0.1.

Examples:
  $ scepter emulate
  $ scepter emulate challenge --subject CN=printer-7
  $ curl http://127.0.0.1:8081/control/connection`;

/** `scepter emulate`: Entra, Graph and Intune on a desk. */
export function emulateCommand(world: World, screen: Screen): Command {
  return new Command('emulate')
    .summary('run the Intune emulator alone, or ask it for challenges')
    .description('Runs an emulator of the parts of Microsoft Intune that issue and check SCEP challenges.')
    .addOption(folderOption())
    .addOption(portOption('--microsoft-port <port>', 'HTTPS port of Entra, Graph and Intune', 8443))
    .addOption(portOption('--control-port <port>', 'HTTP port of the control API', 8081))
    .addHelpText('after', examples)
    .enablePositionalOptions()
    .action((options: EmulateOptions) => emulate(options, world, screen))
    .addCommand(challengeCommand(world, screen));
}

async function emulate(options: EmulateOptions, world: World, screen: Screen): Promise<void> {
  requireDistinctPorts([options.microsoftPort, options.controlPort]);
  const folder = resolve(world.workingFolder, options.folder);
  await makePrivateFolder(folder, '--folder');
  await requireIdle(folder, world);
  const host = await startEmulator(folder, options, world);
  const interruption = world.takeInterruption();
  try {
    await writeRecord(folder, recordFiles.emulator, {
      processId: world.processId,
      startedAt: world.now().toISOString(),
      controlUrl: host.controlUrl,
      microsoftUrl: host.microsoftUrl,
      tlsCaFile: host.tlsCaFile,
    });
    printAddresses(host, folder, screen);
    await aborted(interruption.signal);
    screen.out.text('Stopping.');
  } finally {
    await host.close();
    interruption.dispose();
  }
}

function printAddresses(host: EmulatorHost, folder: string, { out }: Screen): void {
  const rows = [
    ['Microsoft', host.microsoftUrl],
    ['Its CA', host.tlsCaFile],
    ['Control', host.controlUrl],
    ['Data', folder],
  ] as const;
  out.text('The Intune emulator is ready.', { tone: 'strong' });
  for (const [label, value] of rows) out.text(`${label.padEnd(10)} ${value}`, { indent: 2, hanging: 11 });
  out.blank();
  out.text('A challenge to try a SCEP client with:');
  out.command(['scepter', 'emulate', 'challenge', '--subject', 'CN=printer-7'], { indent: 2 });
  out.blank();
  out.text('Ctrl-C stops it.');
}
