/** Tunnels through an HTTP proxy: the CONNECT method, RFC 9110 9.3.6; basic authentication, RFC 7617. */
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { buildConnector } from 'undici';
import type { CheckedProxy } from './connection-options.ts';

export interface TunnelOptions {
  readonly proxy: CheckedProxy;
  /** Trust for the certificate of an https proxy; absent: the well-known roots. */
  readonly secureContext: SecureContext | undefined;
  /** Limit from the first packet to the proxy to its answer. */
  readonly timeoutMs: number;
  /** Makes the connection to the target: TLS over the tunnel. */
  readonly connectTarget: buildConnector.connector;
}

/** The proxy could not be reached, or opened no tunnel. The target has seen nothing. */
export class ProxyError extends Error {
  /** The proxy's HTTP status; absent when it gave none. */
  readonly status?: number;

  constructor(message: string, context: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    if (context.status !== undefined) {
      this.status = context.status;
    }
  }
}

/**
 * Connects to targets through a proxy, one tunnel for each connection. undici's `ProxyAgent` is not used: it has no
 * limit on the time that a proxy takes to open a tunnel, and tells the proxy's status only within a sentence
 * (docs/decisions/0005-intune-connections.md).
 */
export class Tunnels {
  readonly #options: TunnelOptions;
  readonly #opening = new Set<ClientRequest>();

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  /** To be given to undici as `connect`. */
  readonly connect: buildConnector.connector = (options, callback) => {
    void this.#connect(options, callback);
  };

  /** Gives up the tunnels that are being opened. */
  destroy(): void {
    for (const request of this.#opening) {
      request.destroy(new ProxyError('The client was closed'));
    }
  }

  async #connect(options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> {
    let httpSocket: Socket;
    try {
      httpSocket = await this.#open(`${bracketed(options.hostname)}:${options.port === '' ? '443' : options.port}`);
    } catch (error) {
      // Nothing else is rejected with.
      callback(error as ProxyError, null);
      return;
    }
    this.#options.connectTarget({ ...options, httpSocket }, callback);
  }

  async #open(target: string): Promise<Socket> {
    const { timeoutMs } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const request = this.#newRequest(target);
    const timer = setTimeout(() => {
      request.destroy(new ProxyError(`${this.#name} opened no tunnel to ${target} within ${timeoutMs} ms`));
    }, timeoutMs);
    this.#opening.add(request);
    request.once('connect', (answer: IncomingMessage, socket: Socket, early: Uint8Array) => {
      const problem = this.#refusal(answer.statusCode ?? 0, target, early);
      if (problem === undefined) {
        resolve(socket);
      } else {
        socket.on('error', () => {}).destroy();
        reject(problem);
      }
    });
    request.on('error', (error) => reject(this.#failure(error)));
    // A connection that ends without an answer is an error event too; this settles whatever else may happen.
    request.once('close', () => reject(new ProxyError(`${this.#name} closed the connection`)));
    request.end();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#opening.delete(request);
    }
  }

  #newRequest(target: string): ClientRequest {
    const { proxy, secureContext } = this.#options;
    // Node would ask to close the connection, which a proxy might take literally.
    const headers: Record<string, string> = {
      host: target,
      connection: 'keep-alive',
      'proxy-connection': 'keep-alive',
    };
    if (proxy.authorization !== undefined) {
      headers['proxy-authorization'] = proxy.authorization;
    }
    // `agent: false`: a connection of its own, which is not shared with anything in this process.
    const options = { host: proxy.host, port: proxy.port, method: 'CONNECT', path: target, headers, agent: false };
    return proxy.protocol === 'http'
      ? httpRequest(options)
      : httpsRequest({ ...options, ...(secureContext && { secureContext }), servername: serverName(proxy.host) });
  }

  #refusal(status: number, target: string, early: Uint8Array): ProxyError | undefined {
    if (status < 200 || status > 299) {
      return new ProxyError(`${this.#name} answered HTTP ${status} to CONNECT ${target}${adviceOn(status)}`, {
        status,
      });
    }
    // In TLS the client speaks first.
    return early.byteLength === 0
      ? undefined
      : new ProxyError(`${this.#name} sent data of its own through the tunnel to ${target}`, { status });
  }

  #failure(error: Error): ProxyError {
    return error instanceof ProxyError ? error : new ProxyError(`${this.#name} cannot be reached`, { cause: error });
  }

  get #name(): string {
    return `The proxy ${proxyAddress(this.#options.proxy)}`;
  }
}

/** A proxy as sentences name it: its URL without user name and password. */
export function proxyAddress({ protocol, host, port }: CheckedProxy): string {
  return `${protocol}://${bracketed(host)}:${port}`;
}

/** URLs and CONNECT need brackets around an IPv6 address; undici takes them off. */
function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Said explicitly, since Node would take the target's name from the header `host`. There is none for an IP address. */
function serverName(host: string): string {
  return isIP(host) === 0 ? host : '';
}

function adviceOn(status: number): string {
  switch (status) {
    // 401 is a mistake that some proxies make when a password is wrong.
    case 401:
    case 407:
      return ': check proxy.username and proxy.password; only basic authentication is supported';
    case 403:
      return ': the proxy must be allowed to connect to that host and port';
    default:
      return status >= 500 ? ': the proxy did not reach that host' : '';
  }
}
