import { timingSafeEqual } from 'node:crypto';

/** Whether two byte strings are the same. Takes the same time wherever they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The order of SET OF in DER: byte by byte, the shorter one first where it is the beginning of the longer one. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** Bytes as lower-case hex digits. */
export function toHex(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('hex');
}

/**
 * Hex digits of either case to bytes.
 *
 * @throws TextEncodingError `bad_hex` for anything but pairs of hex digits
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text)) {
    throw new TextEncodingError('bad_hex', 'not pairs of hex digits');
  }
  return plainBytes(Buffer.from(text, 'hex'));
}

/** Thrown when text does not hold the bytes it should: hex and PEM. */
export class TextEncodingError extends Error {
  override readonly name = 'TextEncodingError';
  readonly code: 'bad_hex' | 'bad_pem';

  constructor(code: 'bad_hex' | 'bad_pem', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The same memory as a Buffer, for the functions of Node that want one. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same memory without the methods of Buffer: a `Uint8Array` and nothing else. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
