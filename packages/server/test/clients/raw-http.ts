/** HTTP as bytes on a socket: no library between the test and what a client really sends. */
import { connect } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  /** The first line. */
  readonly statusLine: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

const TIMEOUT_MS = 10_000;

/** Sends the pieces one after the other and reads one answer. */
export function exchange(url: string, ...pieces: (string | Uint8Array)[]): Promise<HttpAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      for (const piece of pieces) socket.write(piece);
    });
    let received = Buffer.alloc(0);
    const finish = (atEnd: boolean): void => {
      const answer = parseAnswer(received, atEnd);
      if (answer !== undefined) {
        socket.destroy();
        resolve(answer);
      } else if (atEnd) {
        reject(new Error(`The connection ended after ${received.length} bytes.`));
      }
    };
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`No answer in ${TIMEOUT_MS} ms.`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      finish(false);
    });
    socket.on('end', () => finish(true));
    socket.on('error', reject);
  });
}

/** Undefined as long as something is missing. */
function parseAnswer(received: Buffer, atEnd: boolean): HttpAnswer | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = received.toString('latin1', 0, headEnd).split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const body = received.subarray(headEnd + 4);
  const length = headers.get('content-length');
  if (length === undefined ? !atEnd : body.length < Number(length)) return undefined;
  return { status: Number(statusLine.split(' ')[1]), statusLine, headers, body: new Uint8Array(body) };
}

export const lines = (...each: string[]): string => `${each.join('\r\n')}\r\n\r\n`;

export const textOf = (answer: HttpAnswer): string => Buffer.from(answer.body).toString('latin1');
