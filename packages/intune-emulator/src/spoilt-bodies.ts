/** Answers whose body comes slowly, ends early, or is far too long. Each ends when its reader has gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EmulatorError } from './errors.ts';

/** Cuts the connection of a request; what the host does for a fault that a response alone cannot play. */
export type Cut = () => void;

const defaultChunks = 8;

/** The answer, its headers at once and its body in pieces with a pause before each. */
export async function slowBody(
  answer: Response,
  { delayMs, chunks = defaultChunks }: { delayMs: number; chunks?: number | undefined },
): Promise<Response> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const chunkSize = Math.max(1, Math.ceil(bytes.length / chunks));
  let offset = 0;
  const body = patientStream(async (controller, signal) => {
    await sleep(delayMs, undefined, { signal });
    controller.enqueue(bytes.subarray(offset, offset + chunkSize));
    offset += chunkSize;
    if (offset >= bytes.length) controller.close();
  });
  return withBody(answer, body, bytes.length);
}

/** How long the half that is sent may take to leave this machine before the connection is cut behind it. */
const sendMs = 20;

/** The answer with its length, of which only the first half is sent before the connection is cut. */
export async function cutBody(answer: Response, cut: Cut | undefined): Promise<Response> {
  const bytes = new Uint8Array(await answer.arrayBuffer());
  let sent = false;
  const body = patientStream(async (controller, signal) => {
    if (!sent) {
      sent = true;
      controller.enqueue(bytes.subarray(0, Math.ceil(bytes.length / 2)));
      return;
    }
    await sleep(sendMs, undefined, { signal });
    if (cut === undefined) controller.error(new EmulatorError('emulator.disconnect', 'The connection is to be cut.'));
    // The host's server notices that the connection is gone and lets go of the stream.
    else cut();
  });
  // At least one byte is missing, also of an empty answer.
  return withBody(answer, body, bytes.length + 1);
}

const fillerSize = 64 * 1024;

/** A JSON object of `bytes` bytes, made while it is sent. */
export function hugeBody({ bytes, announced = false }: { bytes: number; announced?: boolean | undefined }): Response {
  const opening = Buffer.from('{"value":[],"padding":"');
  const closing = Buffer.from('"}');
  const filler = new Uint8Array(fillerSize).fill(0x78);
  let remaining = bytes - opening.length - closing.length;
  let opened = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (!opened) {
        opened = true;
        controller.enqueue(opening);
      } else if (remaining > 0) {
        const chunk = filler.subarray(0, Math.min(remaining, fillerSize));
        remaining -= chunk.length;
        controller.enqueue(chunk);
      } else {
        controller.enqueue(closing);
        controller.close();
      }
    },
  });
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (announced) headers['content-length'] = String(bytes);
  return new Response(body, { headers });
}

type Pull = (controller: ReadableStreamDefaultController<Uint8Array>, signal: AbortSignal) => Promise<void>;

/** A stream whose source may wait; the wait ends when the reader has gone. */
function patientStream(pull: Pull): ReadableStream<Uint8Array> {
  const abort = new AbortController();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          await pull(controller, abort.signal);
        } catch (error) {
          // After a cancellation there is nobody left to tell.
          if (!abort.signal.aborted) controller.error(error);
        }
      },
      cancel: () => abort.abort(),
    },
    { highWaterMark: 0 },
  );
}

function withBody(answer: Response, body: ReadableStream<Uint8Array>, contentLength: number): Response {
  const headers: Record<string, string> = {};
  answer.headers.forEach((value, name) => (headers[name] = value));
  headers['content-length'] = String(contentLength);
  return new Response(body, { status: answer.status, headers });
}
