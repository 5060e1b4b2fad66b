/** A managed identity endpoint on a loopback port, as Azure's platforms have one. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IdentityRequest {
  readonly path: string;
  readonly query: Record<string, string>;
  readonly headers: IncomingMessage['headers'];
}

export type IdentityAnswer = (response: ServerResponse, request: IdentityRequest) => void;

export function identityJson(status: number, value: unknown, headers: Record<string, string> = {}): IdentityAnswer {
  return (response) => response.writeHead(status, headers).end(JSON.stringify(value));
}

/** Looks like a token, and says for which resource it is. */
export function identityToken(resource: string, number = 1): string {
  return `eyJhbGciOiJub25lIn0.${Buffer.from(`CANARY ${resource} ${number}`).toString('base64url')}.c2ln`;
}

export class IdentityEndpoint {
  readonly received: IdentityRequest[] = [];
  answer: IdentityAnswer = (response, { query }) =>
    identityJson(200, {
      access_token: identityToken(query['resource'] ?? '', this.received.length),
      expires_on: String(Math.floor(Date.now() / 1000) + 3600),
      token_type: 'Bearer',
    })(response, { query, path: '', headers: {} });
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost');
      const received = {
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
      };
      this.received.push(received);
      this.answer(response, received);
    });
  }

  static async start(): Promise<IdentityEndpoint> {
    const endpoint = new IdentityEndpoint();
    endpoint.#server.listen(0, '127.0.0.1');
    await once(endpoint.#server, 'listening');
    return endpoint;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
