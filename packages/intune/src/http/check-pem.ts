import { checkText } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import { longestPem, PemProblem } from './pem.ts';

/** Reads an option in PEM; what is wrong with it becomes an argument error that names the option. */
export function checkPem<T>(argument: string, value: unknown, read: (text: string) => T): T {
  const text = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
  try {
    return read(checkText(argument, text, { maximumLength: longestPem }));
  } catch (error) {
    throw error instanceof PemProblem ? new IntuneArgumentError(argument, error.message) : error;
  }
}

export function checkPassphrase(argument: string, value: unknown): string | undefined {
  return value === undefined ? undefined : checkText(argument, value, { maximumLength: 4096, mayBeEmpty: true });
}
