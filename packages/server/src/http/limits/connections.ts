/**
 * Open connections, overall and for each client. When all are taken, the client that has the most gives one up for a new
 * one of somebody else: however many connections an attacker holds, others get in.
 */
import type { Socket } from 'node:net';

export interface ConnectionsOptions {
  readonly overall: number;
  readonly perClient: number;
}

interface Connection {
  /** Undefined for a proxy's, which carry many clients: they count only overall, and are never given up. */
  readonly client: string | undefined;
  /** Requests on it that we owe an answer to. Only a connection without any can be given up. */
  owed: number;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<Socket, Connection>();
  /** Of each client, the oldest first. Those of proxies are not in it. */
  readonly #byClient = new Map<string, Set<Socket>>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /**
   * Lets a connection in, for which another one may be given up; or closes it, at the least possible cost.
   *
   * @returns whose limit has been reached, if any
   */
  admit(socket: Socket, address: string, { shared }: { readonly shared: boolean }): 'client' | 'overall' | undefined {
    const client = shared ? undefined : address;
    const reached = this.#reached(client);
    if (reached !== undefined && !this.#makeRoom(client, reached)) {
      socket.resetAndDestroy();
      return reached;
    }
    this.#open.set(socket, { client, owed: 0 });
    if (client !== undefined) this.#byClient.set(client, (this.#byClient.get(client) ?? new Set()).add(socket));
    socket.once('close', () => this.#remove(socket));
    return reached;
  }

  /** A whole request is there: its connection stays until `answered`. */
  requested(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection !== undefined) connection.owed += 1;
  }

  answered(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection !== undefined) connection.owed -= 1;
  }

  #reached(client: string | undefined): 'client' | 'overall' | undefined {
    if (this.#count(client) >= this.#options.perClient) return 'client';
    return this.#open.size >= this.#options.overall ? 'overall' : undefined;
  }

  /** None for a proxy: its next connection may be the first of somebody. */
  #count(client: string | undefined): number {
    return client === undefined ? 0 : (this.#byClient.get(client)?.size ?? 0);
  }

  #makeRoom(client: string | undefined, reached: 'client' | 'overall'): boolean {
    // A client with too many keeps the newest: the oldest are the ones it has forgotten.
    if (client !== undefined && reached === 'client') return this.#giveUpOneOf(client);
    const own = this.#count(client);
    const greediest = this.#greediest();
    if (greediest === undefined || this.#count(greediest) <= own) return false;
    if (this.#giveUpOneOf(greediest)) return true;
    // Only when all of its connections wait for answers of ours is it worth looking at the others.
    const greedy = [...this.#byClient].filter(([, sockets]) => sockets.size > own);
    greedy.sort(([, one], [, other]) => other.size - one.size);
    return greedy.some(([name]) => this.#giveUpOneOf(name));
  }

  #greediest(): string | undefined {
    let greediest: string | undefined;
    let most = 0;
    for (const [client, { size }] of this.#byClient) {
      if (size > most) [greediest, most] = [client, size];
    }
    return greediest;
  }

  #giveUpOneOf(client: string): boolean {
    for (const socket of this.#byClient.get(client) ?? []) {
      const connection = this.#open.get(socket);
      if (connection === undefined || connection.owed > 0) continue;
      this.#remove(socket);
      socket.resetAndDestroy();
      return true;
    }
    return false;
  }

  #remove(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#open.delete(socket);
    if (connection.client === undefined) return;
    const own = this.#byClient.get(connection.client);
    own?.delete(socket);
    if (own?.size === 0) this.#byClient.delete(connection.client);
  }
}
