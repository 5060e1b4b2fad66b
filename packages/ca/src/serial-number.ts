import { CaError } from './errors.ts';

/** 16 bytes: under the 20 that RFC 5280 4.1.2.2 allows, and short enough for clients that store serials in 128 bits. */
const SERIAL_NUMBER_BYTES = 16;

/**
 * A fresh certificate serial number: 16 big-endian bytes, positive, 126 random bits (RFC 5280 4.1.2.2).
 *
 * The two highest bits are fixed to 01: the number stays positive, and it never starts with a zero byte, so that its
 * magnitude, its DER content and its hexadecimal form are the same 16 bytes everywhere.
 *
 * @param randomBytes a cryptographically secure source
 * @throws CaError `ca.invalid_argument` when the source returns the wrong number of bytes
 * @example
 * const serialNumber = newSerialNumber(randomBytes);
 */
export function newSerialNumber(randomBytes: (size: number) => Uint8Array): Uint8Array {
  const serialNumber = Uint8Array.from(randomBytes(SERIAL_NUMBER_BYTES));
  const [first] = serialNumber;
  if (first === undefined || serialNumber.length !== SERIAL_NUMBER_BYTES) {
    throw new CaError('ca.invalid_argument', `randomBytes returned ${serialNumber.length} bytes instead of 16`);
  }
  serialNumber[0] = (first & 0x3f) | 0x40;
  return serialNumber;
}
