/** Entra, Graph and Intune as one HTTPS server on a loopback port, with every answer replaceable. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { IntuneClient, type IntuneClientOptions } from '../src/index.ts';
import { createServerIdentity } from './tls-certificate.ts';

export type Operation = 'token' | 'discovery' | 'service' | 'revocation';

export interface ReceivedRequest {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Answers one request. */
export type Answer = (response: ServerResponse, request: ReceivedRequest, microsoft: Microsoft) => void;

export const identity = createServerIdentity();
export const tenant = '3f2a9a3c-5a53-4c58-8f4b-6f6a4b8e1c11';
export const clientId = '8d1b6f52-7c6e-4f0e-9b5a-0d4f6a1f2e33';
export const clientSecret = 'CANARY-client~secret.8Q_0123456789abcdefghij';
export const revocationPath = '/RACerts/StatelessPkiConnectorService/Gateway/StatelessPkiConnectorService';
export const servicePath = '/RACerts/ScepRequestValidationFEService/Gateway/StatelessScepRequestValidationService';

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return text(status, JSON.stringify(value), { 'content-type': 'application/json; charset=utf-8', ...headers });
}

export function text(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return (response) => response.writeHead(status, headers).end(body);
}

export const verdict = (code: unknown, errorDescription: unknown = ''): Answer => json(200, { code, errorDescription });

export const disconnect: Answer = (response) => response.socket?.destroy();

/** Tokens are numbered, so that a refresh shows. */
export function token(number: number): string {
  return `CANARYtoken.${String(number).padStart(6, '0')}.${'AbCdEf0123'.repeat(6)}`;
}

export function endpoint(url: string, name = 'ScepRequestValidationFEService'): Record<string, string> {
  return { providerName: name, uri: url, capability: name };
}

/** A token that can be read, as Entra's are. The signature is none. */
export function jsonWebToken(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.CANARYsignature0123456789`;
}

/** Gives the same token for every scope. */
export function tokenAnswer(accessToken: string, expiresInSeconds = 3599): Answer {
  return json(200, { token_type: 'Bearer', expires_in: expiresInSeconds, access_token: accessToken });
}

/** An https address at which nobody listens. */
export async function deadAddress(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `https://127.0.0.1:${port}/dead`;
}

export class Microsoft {
  readonly received: ReceivedRequest[] = [];
  /** What to answer from now on. */
  readonly answers: Record<Operation, Answer> = {
    token: (...call) =>
      json(200, { token_type: 'Bearer', expires_in: 3599, access_token: token(this.count('token')) })(...call),
    discovery: (...call) => json(200, { value: [endpoint(this.serviceUrl)] })(...call),
    service: verdict('Success'),
    revocation: json(200, { value: [] }),
  };
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #clients: IntuneClient[] = [];

  constructor(tls: ServerOptions = {}) {
    this.#server = createServer({ ...identity, ...tls }, (request, response) => void this.#handle(request, response));
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param tls changes how the server does TLS */
  static async start(tls?: ServerOptions): Promise<Microsoft> {
    const microsoft = new Microsoft(tls);
    microsoft.#server.listen(0, '127.0.0.1');
    await once(microsoft.#server, 'listening');
    return microsoft;
  }

  get origin(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get serviceUrl(): string {
    return this.origin + servicePath;
  }

  /** Discovery that also names the revocation service. */
  nameRevocationService(): void {
    const services = [endpoint(this.serviceUrl), endpoint(this.origin + revocationPath, 'PkiConnectorFEService')];
    this.answers.discovery = json(200, { value: services });
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  /** The options with which a client reaches this server. */
  options(changes: Partial<IntuneClientOptions> = {}): IntuneClientOptions {
    return {
      tenant,
      credential: { clientId, clientSecret },
      callerInfo: 'Test CA 1.0',
      authority: this.origin,
      graphUrl: this.origin,
      tls: { ca: identity.ca },
      allowLoopback: true,
      timeoutMs: 5000,
      retry: { initialDelayMs: 1, maximumDelayMs: 5 },
      ...changes,
    };
  }

  connect(changes: Partial<IntuneClientOptions> = {}): IntuneClient {
    const client = new IntuneClient(this.options(changes));
    this.#clients.push(client);
    return client;
  }

  /** Answers the next requests of one kind from a list, the later ones as before. */
  answerNext(operation: Operation, ...answers: Answer[]): void {
    const usual = this.answers[operation];
    this.answers[operation] = (...call) => (answers.shift() ?? usual)(...call);
  }

  count(operation: Operation): number {
    return this.received.filter((request) => request.operation === operation).length;
  }

  last(operation: Operation): ReceivedRequest {
    const request = this.received.findLast((each) => each.operation === operation);
    if (request === undefined) {
      throw new Error(`No ${operation} request was received`);
    }
    return request;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all(this.#clients.map((client) => client.close()));
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Uint8Array);
    }
    const path = request.url ?? '';
    const operation = path.includes('/oauth2/')
      ? 'token'
      : path.includes('/servicePrincipals/')
        ? 'discovery'
        : path.includes('/CertificateAuthorityRequests/')
          ? 'revocation'
          : 'service';
    const headers = request.headers as Record<string, string>;
    const received = {
      operation,
      method: request.method ?? '',
      path,
      headers,
      body: Buffer.concat(chunks).toString(),
    } as const;
    this.received.push(received);
    this.answers[operation](response, received, this);
  }
}
