import { join } from 'node:path';
import { startEmulatorHost } from '@scepter/intune-emulator';
import type { EmulatorHost } from '@scepter/intune-emulator';
import { describeEmulatorError } from './port-hints.ts';
import type { EmulatorPorts } from './port-hints.ts';
import type { World } from './world.ts';

/** Starts the emulator in its place below the folder; the demo and `emulate` share it. */
export async function startEmulator(folder: string, ports: EmulatorPorts, world: World): Promise<EmulatorHost> {
  try {
    return await startEmulatorHost({
      microsoftPort: ports.microsoftPort,
      controlPort: ports.controlPort,
      folder: join(folder, 'emulator'),
      now: world.now,
      randomBytes: world.randomBytes,
    });
  } catch (error) {
    throw describeEmulatorError(error, ports);
  }
}
