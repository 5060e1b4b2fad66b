/** A source of random bytes, handed in so that tests can fix it. */
export type RandomBytes = (size: number) => Uint8Array;

/** A fresh version 4 GUID in lower case (RFC 9562 §5.4). */
export function newGuid(randomBytes: RandomBytes): string {
  const bytes = Uint8Array.from(randomBytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A secret of `size` random bytes as base64url text. */
export function newSecret(randomBytes: RandomBytes, size: number): string {
  return Buffer.from(randomBytes(size)).toString('base64url');
}

/** Strict base64 (RFC 4648 §4): canonical text only, line breaks tolerated; undefined for anything else. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const compact = text.replaceAll(/[\r\n]/gu, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/u.test(compact)) return undefined;
  const bytes = Buffer.from(compact, 'base64');
  return bytes.toString('base64') === compact ? bytes : undefined;
}
