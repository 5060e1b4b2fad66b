/** Serial numbers and the notations that software writes them in. */
import fc from 'fast-check';

/** Positive, of up to 20 octets (RFC 5280 4.1.2.2): sequential and random ones. */
export const serialNumbers = fc.oneof(
  fc.bigInt({ min: 1n, max: 100_000n }),
  fc.bigInt({ min: 1n, max: (1n << 160n) - 1n }),
);

const hex = (number: bigint): string => number.toString(16);
const octets = (number: bigint): string[] => {
  const digits = hex(number);
  return digits.padStart(digits.length + (digits.length % 2), '0').match(/../g) ?? [];
};

/** What Java's `BigInteger(byte[])` makes of the octets of an unsigned number. */
const asSigned = (number: bigint): bigint => BigInt.asIntN(8 * octets(number).length, number);

const all: { readonly name: string; readonly write: (number: bigint) => string }[] = [
  { name: 'lower hex', write: hex },
  { name: 'upper hex', write: (number) => hex(number).toUpperCase() },
  { name: 'prefixed hex', write: (number) => `0x${hex(number)}` },
  { name: 'octets with colons', write: (number) => octets(number).join(':') },
  { name: 'octets with blanks', write: (number) => octets(number).join(' ').toUpperCase() },
  { name: 'octets with dashes', write: (number) => octets(number).join('-') },
  { name: 'DER octets', write: (number) => `00${octets(number).join('')}` },
  { name: 'padded hex', write: (number) => hex(number).padStart(40, '0') },
  { name: 'decimal', write: (number) => number.toString() },
  { name: 'signed decimal', write: (number) => asSigned(number).toString() },
  { name: 'signed hex', write: (number) => asSigned(number).toString(16) },
];

export const notations = fc.constantFrom(...all);
