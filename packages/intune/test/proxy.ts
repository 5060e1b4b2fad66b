/** An HTTP proxy on a loopback port that opens CONNECT tunnels (RFC 9110 9.3.6), with every misbehaviour by switch. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { ProxyOptions } from '../src/index.ts';

/** What happens to a CONNECT: a tunnel, a refusal with a status, no answer at all, or the end of the connection. */
export type ProxyBehaviour = 'tunnel' | 'hang' | 'cut' | { readonly status: number };

export interface TestProxyOptions {
  /** Makes it an https proxy. */
  readonly identity?: ServerOptions;
  /** Makes it ask for basic authentication. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Where to listen. Default: 127.0.0.1. */
  readonly host?: string;
}

export class TestProxy {
  behaviour: ProxyBehaviour = 'tunnel';
  /** The targets of all CONNECT requests, refused ones included. */
  readonly targets: string[] = [];
  /** Requests other than CONNECT: a client that tunnels makes none. */
  otherRequests = 0;
  /** Subjects of the certificates that clients have presented to the proxy itself. */
  readonly clientCertificates: string[] = [];
  readonly #options: TestProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #tunnels = new Set<Duplex>();

  constructor(options: TestProxyOptions) {
    this.#options = options;
    this.#server = options.identity === undefined ? createServer() : createTlsServer(options.identity);
    this.#server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.once('close', () => this.#connections.delete(socket));
    });
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      const { subject } = socket.getPeerCertificate();
      this.clientCertificates.push(...(subject === undefined ? [] : [String(subject.CN)]));
    });
    this.#server.on('connect', (request: IncomingMessage, client: Duplex) => this.#connect(request, client));
    this.#server.on('request', (_request, response) => {
      this.otherRequests += 1;
      response.writeHead(400).end();
    });
  }

  static async start(options: TestProxyOptions = {}): Promise<TestProxy> {
    const proxy = new TestProxy(options);
    proxy.#server.listen(0, options.host ?? '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The `proxy` option with which a client reaches it. */
  options(changes: Partial<ProxyOptions> = {}): ProxyOptions {
    const { address, port } = this.#server.address() as AddressInfo;
    const protocol = this.#options.identity === undefined ? 'http' : 'https';
    return { host: address, port, protocol, ...this.#options.credentials, ...changes };
  }

  /** How many tunnels are open. */
  get openTunnels(): number {
    return this.#tunnels.size;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  cutTunnels(): void {
    for (const tunnel of this.#tunnels) {
      tunnel.destroy();
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#connections) {
      socket.destroy();
    }
    this.#server.closeAllConnections();
    if (this.#server.listening) {
      await new Promise((resolve) => this.#server.close(resolve));
    }
  }

  #connect(request: IncomingMessage, client: Duplex): void {
    client.on('error', () => client.destroy());
    const target = request.url ?? '';
    this.targets.push(target);
    const { behaviour } = this;
    if (!this.#isAllowed(request)) {
      refuse(client, 407, 'Proxy-Authenticate: Basic realm="test"\r\n');
    } else if (behaviour === 'tunnel') {
      this.#tunnel(target, client);
    } else if (behaviour === 'cut') {
      client.destroy();
    } else if (behaviour === 'hang') {
      client.resume().once('end', () => client.destroy());
    } else {
      refuse(client, behaviour.status);
    }
  }

  #isAllowed(request: IncomingMessage): boolean {
    const { credentials } = this.#options;
    if (credentials === undefined) {
      return true;
    }
    const wanted = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
    return request.headers['proxy-authorization'] === `Basic ${wanted}`;
  }

  #tunnel(target: string, client: Duplex): void {
    const { hostname, port } = new URL(`http://${target}`);
    const server = connect(Number(port === '' ? 80 : port), hostname.replace(/^\[|\]$/g, ''));
    server.once('error', () => refuse(client, 502));
    server.once('connect', () => {
      this.#tunnels.add(client);
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    server.once('close', () => client.destroy());
    client.once('close', () => {
      this.#tunnels.delete(client);
      server.destroy();
    });
  }
}

function refuse(client: Duplex, status: number, headers = ''): void {
  client.end(`HTTP/1.1 ${status} No\r\n${headers}Content-Length: 2\r\n\r\nno`);
}
