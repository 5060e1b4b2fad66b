import { constants, open } from 'node:fs/promises';
import { untilAborted, type Call } from '../call.ts';
import { IntuneAuthenticationError } from '../errors.ts';
import { copyCause } from '../http/foreign-cause.ts';

/** Far above any chain of certificates. */
const largestFileBytes = 1024 * 1024;

const readAgain = 'The file is read anew at every sign-in, so putting the right one in place is enough.';

/**
 * The text of a file without white space around it.
 * @throws {IntuneAuthenticationError} when the file is missing, empty, unreadable or no file
 */
export async function readCredentialFile(path: string, call: Call): Promise<string> {
  let text: string;
  try {
    text = await untilAborted(readText(path), call.signal);
  } catch (error) {
    call.signal.throwIfAborted();
    const cause = copyCause(error);
    const advice = `Check that ${path} exists and that this process may read it. ${readAgain}`;
    const message = `The credential's file ${path} cannot be read: ${cause?.message ?? 'unknown reason'}`;
    throw new IntuneAuthenticationError(message, { activityId: call.activityId, cause, advice });
  }
  if (text === '') {
    throw fileProblem(path, 'is empty', call);
  }
  return text;
}

/** The error for a file whose contents will not do. */
export function fileProblem(path: string, problem: string, call: Call): IntuneAuthenticationError {
  const advice = `Check what is in ${path}; it may just be being written. ${readAgain}`;
  return new IntuneAuthenticationError(`The credential's file ${path} ${problem}`, {
    activityId: call.activityId,
    advice,
  });
}

async function readText(path: string): Promise<string> {
  // So that a pipe does not keep the process waiting for a writer. Windows has neither this flag nor such pipes.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    if (!(await file.stat()).isFile()) {
      throw new Error('it is not a regular file');
    }
    // The size that a file states is not to be relied on: it may grow, and those of /proc state none.
    const buffer = Buffer.alloc(largestFileBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      ({ bytesRead: read } = await file.read(buffer, length, buffer.length - length));
    }
    if (length > largestFileBytes) {
      throw new Error(`it has more than ${largestFileBytes} bytes`);
    }
    return buffer
      .toString('utf8', 0, length)
      .replace(/^\uFEFF/, '')
      .trim();
  } finally {
    await file.close();
  }
}
