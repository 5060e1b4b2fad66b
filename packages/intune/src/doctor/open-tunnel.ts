import type { Socket } from 'node:net';
import type { Call } from '../call.ts';
import type { CheckedConnectionOptions } from '../http/connection-options.ts';
import { proxyContext } from '../http/secure-context.ts';
import { Tunnels } from '../http/tunnel.ts';

/**
 * A connection to a host through the configured proxy, made as the client makes its own, with nothing spoken over it
 * yet. The caller has to destroy it.
 *
 * @returns `undefined` where no proxy is configured
 * @throws {ProxyError} when the proxy cannot be reached or refuses
 */
export async function openTunnel(
  { proxy, tls }: CheckedConnectionOptions,
  { hostname, port }: URL,
  timeoutMs: number,
  { signal }: Call,
): Promise<Socket | undefined> {
  if (proxy === undefined) {
    return undefined;
  }
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const tunnels = new Tunnels({
    proxy,
    secureContext: proxyContext(tls),
    timeoutMs,
    // The client would begin TLS here.
    connectTarget: ({ httpSocket }, callback) => {
      if (httpSocket === undefined) callback(new Error('The tunnel has no socket'), null);
      else callback(null, httpSocket);
    },
  });
  const abort = (): void => tunnels.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    tunnels.connect({ hostname: hostname.replace(/^\[|\]$/g, ''), protocol: 'https:', port }, (error, socket) =>
      error === null ? resolve(socket) : reject(error),
    );
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
