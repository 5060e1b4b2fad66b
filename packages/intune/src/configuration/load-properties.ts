import { readFileSync, statSync } from 'node:fs';
import { IntuneArgumentError } from '../errors.ts';
import { copyCause } from '../http/foreign-cause.ts';
import { longestProperties, parseProperties } from './parse-properties.ts';

/**
 * Reads a `.properties` file. UTF-8, or ISO-8859-1 (Java's encoding) where it is not valid UTF-8.
 * @param file its path
 * @returns the values by key; an object without prototype
 * @throws {IntuneArgumentError} the file cannot be read (`argument` is `file`), or is no `.properties` file
 *
 * @example
 * ```ts
 * const options = intuneOptionsFromProperties(loadProperties('/etc/scep/intune.properties'));
 * ```
 */
export function loadProperties(file: string | URL): Record<string, string> {
  const bytes = readSmallFile('file', file);
  // Read as anything else, UTF-16 has only unknown names, and the error would be that a property is missing.
  if (bytes.includes(0)) {
    throw new IntuneArgumentError('file', 'the file is binary or UTF-16, and has to be UTF-8');
  }
  return parseProperties(decode(bytes));
}

/**
 * The bytes of a file of at most 1 MB; read at once, since it is needed before there is anything else to do.
 * @param argument what the error names
 */
export function readSmallFile(argument: string, file: string | URL): Uint8Array {
  let problem: string;
  try {
    const found = statSync(file);
    // A device has no end, and a pipe may have no beginning.
    if (found.isFile() && found.size <= longestProperties) {
      return readFileSync(file);
    }
    problem = found.isFile() ? `the file is larger than ${longestProperties} bytes` : 'the file is no regular file';
  } catch (error) {
    const cause = copyCause(error);
    const code = cause !== undefined && 'code' in cause ? `: ${String(cause.code)}` : '';
    throw new IntuneArgumentError(argument, `the file cannot be read${code}`, { cause });
  }
  throw new IntuneArgumentError(argument, problem);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}
