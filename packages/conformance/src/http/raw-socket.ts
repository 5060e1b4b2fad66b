import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';

// Requests that no HTTP library writes: HTTP/1.0, no Host, half a request, one byte at a time.

export interface RawTarget {
  readonly host: string;
  readonly port: number;
  /** `undefined` for plain HTTP. */
  readonly tls: ConnectionOptions | undefined;
}

export interface RawRequest {
  /** Written one after the other, `pauseMs` between them. */
  readonly pieces: readonly Uint8Array[];
  readonly pauseMs?: number;
  readonly timeoutMs: number;
}

export interface RawAnswer {
  /** At most 64 KB of what came, as Latin-1. */
  readonly text: string;
  /** Who ended it. */
  readonly end: 'server' | 'timeout' | 'error';
}

const maximumAnswerBytes = 64 * 1024;

const open = ({ host, port, tls }: RawTarget): Socket =>
  // A server name is a name: RFC 6066 section 3 has no addresses.
  tls === undefined
    ? connectPlain({ host, port })
    : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls });

const writePieces = async (socket: Socket, { pieces, pauseMs = 0 }: RawRequest, ended: AbortSignal): Promise<void> => {
  for (const piece of pieces) {
    if (ended.aborted) return;
    socket.write(piece);
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: ended }).catch(() => undefined);
  }
};

/**
 * Writes bytes to the server and reads until it closes, the time is over, or the answer is large enough. Never throws: a
 * server that hangs up is an answer here.
 */
export const exchangeRaw = (target: RawTarget, request: RawRequest): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const socket = open(target);
    const ended = new AbortController();
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (end: RawAnswer['end']): void => {
      if (ended.signal.aborted) return;
      ended.abort();
      clearTimeout(timer);
      socket.destroy();
      resolve({ text: Buffer.concat(chunks).subarray(0, maximumAnswerBytes).toString('latin1'), end });
    };
    const timer = setTimeout(() => finish('timeout'), request.timeoutMs);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= maximumAnswerBytes) finish('server');
    });
    socket.on('error', () => finish('error'));
    socket.on('close', () => finish('server'));
    socket.once(target.tls === undefined ? 'connect' : 'secureConnect', () => {
      void writePieces(socket, request, ended.signal);
    });
  });

/** The status of an HTTP answer, or `undefined` where there is none. */
export const rawStatus = ({ text }: RawAnswer): number | undefined => {
  const matched = /^HTTP\/1\.[01] (\d{3})/.exec(text);
  return matched?.[1] === undefined ? undefined : Number(matched[1]);
};
