/** The Intune emulator in a process of its own, so that its RSA work is not our server's. */
import { EmulatorControl, startEmulatorHost } from '@scepter/intune-emulator';
import type { Connection, EmulatorHost } from '@scepter/intune-emulator';
import { randomBytes } from 'node:crypto';
import { serveParent } from './child.ts';

export interface BenchEmulatorUrls {
  readonly controlUrl: string;
  readonly connection: Connection;
  /** PEM. */
  readonly tlsCa: string;
}

let host: EmulatorHost | undefined;

const methods = {
  start: async ({ folder }: { folder: string }): Promise<BenchEmulatorUrls> => {
    host = await startEmulatorHost({ microsoftPort: 0, controlPort: 0, folder, now: () => new Date(), randomBytes });
    const connection = await new EmulatorControl({ url: host.controlUrl, fetch }).connection();
    return { controlUrl: host.controlUrl, connection, tlsCa: host.tlsCaPem };
  },
};
export type BenchEmulator = typeof methods;

serveParent(methods, async () => host?.close());
