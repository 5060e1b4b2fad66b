/** The thin host: two listeners on the loopback interface around the emulator's two functions. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { dirname, join } from 'node:path';
import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { createEmulator, type Emulator } from './emulator.ts';
import { EmulatorError } from './errors.ts';
import type { HostBindings } from './faulty-call.ts';
import { lockFolder } from './folder-lock.ts';
import type { RandomBytes } from './identifiers.ts';
import { loadOrCreateSecrets } from './secrets.ts';
import { StateFile } from './state-file.ts';
import { createTenantState } from './state.ts';
import { loadOrCreateTlsIdentity, type TlsIdentity } from './tls.ts';

export interface EmulatorHostOptions {
  /** Address to listen on, default `127.0.0.1`. The control API answers callers from and to loopback only. */
  host?: string | undefined;
  /** HTTPS port of the Microsoft side; 0 = any free one. */
  microsoftPort: number;
  /** HTTP port of the control API; 0 = any free one. */
  controlPort: number;
  /** Folder for `state.json`, `secrets.json`, `tls.pem`, `ca.pem` and `lock`; created with mode 0700 if absent. */
  folder: string;
  now: () => Date;
  randomBytes: RandomBytes;
}

export interface EmulatorHost {
  readonly emulator: Emulator;
  /** Base URL without a final slash. */
  readonly microsoftUrl: string;
  /** Base URL without a final slash. */
  readonly controlUrl: string;
  readonly tlsCaPem: string;
  /** Absolute or relative as `folder` was. */
  readonly tlsCaFile: string;
  /** Stops listening, closes every connection, and lets another process use the folder. */
  close(): Promise<void>;
}

/**
 * Starts the emulator on two ports; what it knows is in `folder` and survives a restart.
 *
 * @throws EmulatorError `emulator.port_in_use` (with `port`), `emulator.listen_failed`, `emulator.folder_unwritable`,
 *   `emulator.folder_in_use`, `emulator.state_damaged` (with `path` and `hint`)
 * @example
 * const host = await startEmulatorHost({ microsoftPort: 8443, controlPort: 8081, folder: '.scepter/emulator', now, randomBytes });
 */
export async function startEmulatorHost(options: EmulatorHostOptions): Promise<EmulatorHost> {
  await createFolder(options.folder);
  const unlock = lockFolder(options.folder);
  try {
    const host = await startInFolder(options);
    const close = () => host.close().finally(unlock);
    return { ...host, close };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startInFolder(options: EmulatorHostOptions): Promise<EmulatorHost> {
  const { host = '127.0.0.1', folder, now, randomBytes } = options;
  const stateFile = new StateFile(join(folder, 'state.json'));
  const storedState = await stateFile.load();
  const secrets = await loadOrCreateSecrets(folder, randomBytes);
  const tls = await loadOrCreateTlsIdentity(folder, { now, randomBytes });
  const state = storedState ?? createTenantState(randomBytes);
  // Written even if unchanged, to notice a folder that is read-only before anyone is answered.
  await stateFile.save(state);

  let microsoftUrl = '';
  let controlUrl = '';
  const emulator = createEmulator({
    state,
    secrets,
    save: (changed) => stateFile.save(changed),
    microsoftUrl: () => microsoftUrl,
    controlUrl: () => controlUrl,
    tlsCaFile: tls.caFile,
    now,
    randomBytes,
  });
  const { microsoft, control } = createServers(emulator, tls);
  const stopAll = async () => {
    await Promise.all([stop(microsoft), stop(control)]);
    await stateFile.close();
  };
  try {
    microsoftUrl = `https://${urlHost(host)}:${await listen(microsoft, options.microsoftPort, host)}`;
    controlUrl = `http://${urlHost(host)}:${await listen(control, options.controlPort, host)}`;
  } catch (error) {
    await stopAll();
    throw error;
  }
  return { emulator, microsoftUrl, controlUrl, tlsCaPem: tls.ca, tlsCaFile: tls.caFile, close: stopAll };
}

function createServers(emulator: Emulator, tls: TlsIdentity): { microsoft: Server; control: Server } {
  const microsoft = createHttpsServer(
    { ...serverLimits, key: tls.key, cert: tls.certificate },
    listener((request, bindings) => emulator.fetchMicrosoft(request, bindings)),
  );
  const control = createHttpServer(
    serverLimits,
    listener((request, bindings) => emulator.fetchControl(request, bindings)),
  );
  // It gives away secrets and tokens, and a caller from elsewhere can name a loopback host, too.
  control.on('connection', (socket) => {
    if (!isLoopback(socket.remoteAddress)) socket.destroy();
  });
  return { microsoft, control };
}

/** IPv4 addresses come in IPv6 form where the socket listens on both. */
function isLoopback(address: string | undefined): boolean {
  return address === '::1' || /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/u.test(address ?? '');
}

/** A client that does not send its request in time is cut off; the emulator's callers are all on this machine. */
const serverLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5000,
};

function listener(answer: (request: Request, bindings: HostBindings) => Promise<Response>) {
  const listen = getRequestListener(async (request: Request, { outgoing }: HttpBindings | Http2Bindings) => {
    try {
      return await answer(request, { cut: () => outgoing.destroy() });
    } catch {
      // A fault that cuts the connection; whatever else failed was answered inside.
      outgoing.destroy();
      return new Response(null, { headers: { 'x-hono-already-sent': 'true' } });
    }
  });
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // It rejects only when the connection is gone already.
    listen(incoming, outgoing).catch(() => outgoing.destroy());
  };
}

/** Not `recursive`: on file systems where nothing can be made, such as /proc, Node then never comes back. */
async function makeFolders(folder: string): Promise<void> {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) await makeFolders(dirname(folder));
  await mkdir(folder, { mode: 0o700 });
}

async function createFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (cause) {
    throw new EmulatorError('emulator.folder_unwritable', `Cannot create the folder ${folder}.`, {
      cause,
      path: folder,
      hint: 'Choose a folder that you may write to.',
    });
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, port, host)));
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, port: number, host: string): EmulatorError {
  if (cause.code === 'EADDRINUSE') {
    return new EmulatorError('emulator.port_in_use', `Port ${port} on ${host} is in use.`, {
      cause,
      port,
      hint: 'Stop the program that uses it, or choose another port.',
    });
  }
  return new EmulatorError('emulator.listen_failed', `Cannot listen on port ${port} of ${host}.`, { cause, port });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
