/**
 * Identifier octets (X.690, 8.1.2): class, constructed bit and number in one byte.
 * Tag numbers above 30 need more bytes; nothing in PKIX or CMS uses them, and the reader refuses them.
 */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
  /** `[number]` of a primitive type, as in `[0] IMPLICIT OCTET STRING`. */
  context: (number: number): number => 0x80 | number,
  /** `[number]` of a constructed type, and every EXPLICIT tag. */
  contextConstructed: (number: number): number => 0xa0 | number,
} as const;

/** The bit that says that the content is itself a series of elements. */
export const constructedBit = 0x20;

/** A tag as people write it in a hex dump, for error messages. */
export function tagText(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}
