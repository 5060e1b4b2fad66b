import { resolve } from 'node:path';
import { Command } from 'commander';
import { EmulatorControl } from '@scepter/intune-emulator';
import { aborted } from '../aborted.ts';
import { CommandError } from '../command-error.ts';
import { runDevices } from '../demo/devices.ts';
import type { DemoDevice } from '../demo/devices.ts';
import { startDemo } from '../demo/start.ts';
import type { RunningDemo } from '../demo/start.ts';
import { printSummary } from '../demo/summary.ts';
import { formatDuration } from '../format.ts';
import { requireDistinctPorts } from '../port-hints.ts';
import type { Screen } from '../screen.ts';
import type { World } from '../world.ts';
import { folderOption, portOption } from './common-options.ts';

interface DemoOptions {
  readonly folder: string;
  readonly scepPort: number;
  readonly microsoftPort: number;
  readonly controlPort: number;
  readonly once?: true;
}

const examples = `
Starts an Intune emulator with one tenant and a SCEP server with its own CA. One
device each of Windows, iOS, macOS, Android and Android Enterprise checks in,
enrolls, installs and reports. Then it prints what was issued, where everything
is and how to go on, and stays until Ctrl-C. All of it listens on 127.0.0.1.

A second start goes on with the same CA and data; its devices enroll again, as
Intune renews: a new key, a new request, a new challenge.

<folder>/demo.json has every address and the static challenge, for scripts.

Examples:
  $ scepter demo
  $ scepter demo --once                     for a check in CI: 0 if all enrolled
  $ scepter demo --folder /tmp/demo --scep-port 9080`;

/** `scepter demo`: the whole product on one machine, with five devices. */
export function demoCommand(world: World, screen: Screen): Command {
  return new Command('demo')
    .summary('see it work: emulator, server, CA and five devices on this machine')
    .description('Shows an enrollment end to end on this machine, and leaves everything running to play with.')
    .addOption(folderOption())
    .addOption(portOption('--scep-port <port>', 'HTTP port of the SCEP server', 8080))
    .addOption(portOption('--microsoft-port <port>', 'HTTPS port of the emulated Entra, Graph and Intune', 8443))
    .addOption(portOption('--control-port <port>', "HTTP port of the emulator's control API", 8081))
    .option('--once', 'end after the summary; exit code 1 if a device failed')
    .addHelpText('after', examples)
    .action((options: DemoOptions) => runDemo(options, world, screen));
}

async function runDemo(options: DemoOptions, world: World, screen: Screen): Promise<void> {
  requireDistinctPorts([options.scepPort, options.microsoftPort, options.controlPort]);
  const interruption = world.takeInterruption();
  const stop = aborted(interruption.signal);
  try {
    const startedAt = world.now().getTime();
    screen.out.text('Starting the emulator, the server and its CA.');
    const demo = await startDemo({ ...options, folder: resolve(world.workingFolder, options.folder) }, world);
    try {
      screen.out.text(
        `Ready after ${formatDuration(world.now().getTime() - startedAt)}. ${demo.tenant.devices.length} devices enroll:`,
      );
      screen.out.blank();
      const devices = await Promise.race([runDevices(demo, screen.out, world, interruption.signal), stop]);
      if (devices !== undefined) await present(demo, devices, options, world, screen);
      if (devices !== undefined && options.once !== true) await stop;
    } finally {
      if (interruption.signal.aborted) screen.out.text('Stopping.');
      await demo.close();
    }
  } finally {
    interruption.dispose();
  }
}

async function present(
  demo: RunningDemo,
  devices: readonly DemoDevice[],
  options: DemoOptions,
  world: World,
  { out }: Screen,
): Promise<void> {
  const report = await new EmulatorControl({ url: demo.host.controlUrl, fetch: world.fetch }).reports();
  const staysUp = options.once !== true;
  printSummary(out, { devices, report, record: demo.record, workingFolder: world.workingFolder, staysUp });
  out.blank();
  if (staysUp) out.text('Ctrl-C stops it.', { tone: 'strong' });
  const failed = devices.filter(({ outcome }) => outcome.status !== 'installed');
  if (failed.length === 0 || staysUp) return;
  throw new CommandError(`${failed.length} of ${devices.length} devices did not get a certificate.`, {
    hint: `The server's log tells why: ${demo.record.logFile}`,
  });
}
