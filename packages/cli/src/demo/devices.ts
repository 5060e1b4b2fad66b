import { simulateDevice } from '@scepter/fleet';
import type { DeviceOutcome, Platform } from '@scepter/fleet';
import { EmulatorControl } from '@scepter/intune-emulator';
import type { Terminal } from '../terminal.ts';
import type { World } from '../world.ts';
import { printStep } from './device-log.ts';
import type { RunningDemo } from './start.ts';

/** How it went for one of the demo's devices. */
export interface DemoDevice {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly platform: Platform;
  readonly outcome: DeviceOutcome;
}

/**
 * Lets every device of the tenant check in and enroll at the same time, telling each step as it is done.
 *
 * @param stop aborted when the demo is being closed: what fails from then on fails for that reason, and is not told.
 */
export function runDevices(
  demo: RunningDemo,
  terminal: Terminal,
  world: World,
  stop: AbortSignal,
): Promise<DemoDevice[]> {
  const management = new EmulatorControl({ url: demo.host.controlUrl, fetch: world.fetch });
  return Promise.all(
    demo.tenant.devices.map(async ({ id, deviceName, platform }) => ({
      deviceId: id,
      deviceName,
      platform,
      outcome: await simulateDevice({
        platform,
        deviceId: id,
        management,
        fetch: world.fetch,
        randomBytes: world.randomBytes,
        now: world.now,
        onStep: (step) => {
          if (!stop.aborted) printStep(terminal, platform, step);
        },
      }),
    })),
  );
}
