import { checkText } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import { longestPem, PemProblem } from './pem.ts';

/** Reads an option in PEM; what is wrong with it becomes an argument error that names the option. */
export function checkPem<T>(argument: string, value: unknown, read: (text: string) => T): T {
  try {
    return read(checkText(argument, pemText(value), { maximumLength: longestPem }));
  } catch (error) {
    throw error instanceof PemProblem ? new IntuneArgumentError(argument, error.message) : error;
  }
}

/** PEM is ASCII, so it may come as bytes. */
export function pemText(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}

export function checkPassphrase(argument: string, value: unknown): string | undefined {
  return value === undefined ? undefined : checkText(argument, value, { maximumLength: 4096, mayBeEmpty: true });
}
