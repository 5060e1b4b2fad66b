/**
 * Serial numbers in whatever notation. Intune hands back what some software once reported: upper and lower hex, with
 * `0x`, colons, blanks or dashes, padded with zeros, or decimal, and negative where the first octet was taken for a sign.
 *
 * The canonical form is upper-case hex of the unsigned number without leading zeros (`0` for zero).
 */
import { IntuneArgumentError } from '../errors.ts';

/** RFC 5280 4.1.2.2 allows 20 octets; certificates with more exist. */
const mostOctets = 32;
/** A decimal of 32 octets has 78 digits; hex with a separator after each digit 128. */
const longestText = 160;
const beyond = 1n << BigInt(8 * mostOctets);

/** How to read serial numbers that consist of decimal digits alone, and so could be either. */
export type SerialNumberNotation = 'hex' | 'decimal' | 'any';

interface Reading {
  readonly magnitude: bigint;
  readonly isNegative: boolean;
}

/**
 * Every serial number that a text may mean, in canonical form: upper-case hex without leading zeros. The most likely
 * reading comes first: hex, as Intune's documentation has it, before decimal. Empty when the text is no number.
 *
 * For a CA whose certificates are in a database: look these up there, and hand what was found to
 * `matchRevocationRequests`.
 *
 * @param text a serial number in hex (any case; `0x`, colons, blanks, dashes, leading zeros) or decimal
 * @param notation what a text of decimal digits alone is. Default: `any`, which reads it both ways
 * @throws {IntuneArgumentError} when there is no such notation
 *
 * @example
 * ```ts
 * serialNumberCandidates('0x00:4f:00:a1'); // ['4F00A1']
 * serialNumberCandidates('1234'); // ['1234', '4D2']
 * ```
 */
export function serialNumberCandidates(text: string, notation: SerialNumberNotation = 'any'): string[] {
  // A typing mistake must not widen what is looked for.
  if (!['hex', 'decimal', 'any'].includes(notation)) {
    throw new IntuneArgumentError('notation', 'must be hex, decimal or any');
  }
  const candidates = readings(text, notation).flatMap(unsignedNumbers).map(toCanonical);
  return [...new Set(candidates)];
}

/**
 * The canonical form of a certificate's serial number.
 * @param serialNumber the number, or its hex in any case, with or without separators and leading zeros
 * @returns upper-case hex without leading zeros; `undefined` when it is not hex or has more than 32 octets
 */
export function canonicalSerialNumber(serialNumber: string | bigint): string | undefined {
  const reading =
    typeof serialNumber === 'bigint'
      ? { magnitude: serialNumber < 0n ? -serialNumber : serialNumber, isNegative: serialNumber < 0n }
      : readings(serialNumber, 'hex')[0];
  const first = reading && unsignedNumbers(reading)[0];
  return first === undefined ? undefined : toCanonical(first);
}

function readings(text: string, notation: SerialNumberNotation): Reading[] {
  const match = text.length > longestText ? null : /^\s*(-?)(0x)?([0-9a-f]+(?:[:\s-][0-9a-f]+)*)\s*$/i.exec(text);
  if (match === null) {
    return [];
  }
  const [, sign, prefix, body = ''] = match;
  const isNegative = sign === '-';
  const digits = body.replaceAll(/[:\s-]/g, '');
  const hex = { magnitude: BigInt(`0x${digits}`), isNegative };
  // Nobody writes a prefix, a letter or a separator into a decimal number.
  if (prefix !== undefined || !/^\d+$/.test(body) || notation === 'hex') {
    return [hex];
  }
  const decimal = { magnitude: BigInt(digits), isNegative };
  return notation === 'decimal' ? [decimal] : [hex, decimal];
}

/**
 * A negative number is the two's complement of an unsigned one (X.690 8.3). How many octets that had cannot be seen,
 * since further leading octets of FF leave the negative number as it is; so there are several.
 */
function unsignedNumbers({ magnitude, isNegative }: Reading): bigint[] {
  if (magnitude >= beyond) {
    return [];
  }
  if (!isNegative || magnitude === 0n) {
    return [magnitude];
  }
  const numbers: bigint[] = [];
  for (let octets = 1; octets <= mostOctets; octets += 1) {
    const modulus = 1n << BigInt(8 * octets);
    if (magnitude <= modulus / 2n) {
      numbers.push(modulus - magnitude);
    }
  }
  return numbers;
}

function toCanonical(number: bigint): string {
  return number.toString(16).toUpperCase();
}
