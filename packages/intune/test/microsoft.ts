/** Entra, Graph and Intune as one HTTPS server on a loopback port, with every answer replaceable. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { IntuneClient, type IntuneClientOptions } from '../src/index.ts';
import { createServerIdentity } from './tls-certificate.ts';

export type Operation = 'token' | 'discovery' | 'service';

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

export class Microsoft {
  readonly received: ReceivedRequest[] = [];
  /** What to answer from now on. */
  readonly answers: Record<Operation, Answer> = {
    token: (...call) =>
      json(200, { token_type: 'Bearer', expires_in: 3599, access_token: token(this.count('token')) })(...call),
    discovery: (...call) => json(200, { value: [endpoint(this.serviceUrl)] })(...call),
    service: verdict('Success'),
  };
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #clients: IntuneClient[] = [];

  constructor() {
    this.#server = createServer(identity, (request, response) => void this.#handle(request, response));
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<Microsoft> {
    const microsoft = new Microsoft();
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
