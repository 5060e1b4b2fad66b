import { Asn1Error } from './errors.ts';
import type { EncodingRules } from './header.ts';

// INTEGER, X.690 8.3: two's complement, big-endian, as short as possible.

/** An RSA modulus of 16,384 bits is half of this; nothing that we read as a number is longer. */
const maxContentLength = 4096;

/**
 * Refuses empty content and, under DER, content with a superfluous first byte. X.690, 8.3.2, asks the same of BER, but
 * not every writer of BER knows.
 */
export function checkInteger(content: Uint8Array, rules: EncodingRules): void {
  const [first, second] = content;
  if (first === undefined) throw new Asn1Error('bad_value', 'an integer without content');
  if (second === undefined || rules === 'ber') return;
  if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) {
    throw new Asn1Error('non_canonical', 'an integer with a superfluous first byte');
  }
}

/** Content octets to a number of any size. */
export function decodeInteger(content: Uint8Array): bigint {
  if (content.length > maxContentLength) throw new Asn1Error('bad_value', 'integer too long');
  const unsigned = BigInt(`0x${Buffer.from(content.buffer, content.byteOffset, content.length).toString('hex')}`);
  return BigInt.asIntN(content.length * 8, unsigned);
}

/** A number to its shortest content octets. */
export function encodeInteger(value: bigint | number): Uint8Array {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new Asn1Error('bad_value', 'not an exact integer');
  }
  const wide = BigInt(value);
  const magnitude = wide < 0n ? -wide - 1n : wide;
  // One bit more than the magnitude needs holds the sign.
  const length = Math.floor(magnitude.toString(2).length / 8) + 1;
  const bits = BigInt.asUintN(length * 8, wide);
  return Uint8Array.from(Buffer.from(bits.toString(16).padStart(length * 2, '0'), 'hex'));
}

/** Big-endian magnitude to the content octets of a non-negative INTEGER. Leading zero bytes are ignored. */
export function unsignedIntegerContent(magnitude: Uint8Array): Uint8Array {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const significant = magnitude.subarray(start);
  const first = significant[0] ?? 0;
  if (significant.length > 0 && first < 0x80) return significant;
  const padded = new Uint8Array(significant.length + 1);
  padded.set(significant, 1);
  return padded;
}

/** The magnitude within the content octets of a positive INTEGER: without the zero byte that keeps it positive. */
export function magnitudeOf(content: Uint8Array): Uint8Array {
  if ((content[0] ?? 0x80) >= 0x80) throw new Asn1Error('bad_value', 'a negative number');
  return content[0] === 0 && content.length > 1 ? content.subarray(1) : content;
}
