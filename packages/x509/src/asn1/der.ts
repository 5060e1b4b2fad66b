import { compareBytes } from '../bytes.ts';
import { Asn1Error } from './errors.ts';
import { encodeInteger, unsignedIntegerContent } from './integer.ts';
import { encodeOid } from './object-identifier.ts';
import { isIa5, isPrintable } from './strings.ts';
import { tag } from './tags.ts';
import { fitsUtcTime, generalizedTimeText } from './time.ts';

const text = new TextEncoder();

/**
 * Encoding in DER. Every function but `concat` returns one complete element; parts are complete elements.
 *
 * @example
 * der.sequence(der.oid('1.2.840.113549.1.1.11'), der.null());
 */
export const der = {
  sequence: (...parts: Uint8Array[]): Uint8Array => element(tag.sequence, parts),
  /** As `sequence`, for lists too long for an argument list. */
  sequenceOf: (parts: readonly Uint8Array[]): Uint8Array => element(tag.sequence, parts),
  /** A SET whose parts already stand in DER order; see {@link der.setOf}. */
  set: (...parts: Uint8Array[]): Uint8Array => element(tag.set, parts),
  /** A SET OF: the parts are put into the ascending order that DER demands (X.690, 11.6). */
  setOf: (parts: readonly Uint8Array[]): Uint8Array => element(tag.set, [...parts].sort(compareBytes)),
  /** `[number] EXPLICIT`. */
  explicit: (number: number, ...parts: Uint8Array[]): Uint8Array => element(tag.contextConstructed(number), parts),
  /** `[number] IMPLICIT` of a primitive type, from its content octets. */
  implicitPrimitive: (number: number, content: Uint8Array): Uint8Array => element(tag.context(number), [content]),
  /** `[number] IMPLICIT` of a SEQUENCE or SET. */
  implicitConstructed: (number: number, ...parts: Uint8Array[]): Uint8Array =>
    element(tag.contextConstructed(number), parts),
  integer: (value: bigint | number): Uint8Array => element(tag.integer, [encodeInteger(value)]),
  /** A non-negative INTEGER from its big-endian magnitude. */
  unsignedInteger: (magnitude: Uint8Array): Uint8Array => element(tag.integer, [unsignedIntegerContent(magnitude)]),
  enumerated: (value: number): Uint8Array => element(tag.enumerated, [encodeInteger(value)]),
  boolean: (value: boolean): Uint8Array => Uint8Array.of(tag.boolean, 1, value ? 0xff : 0),
  null: (): Uint8Array => Uint8Array.of(tag.null, 0),
  /** From dotted decimal. */
  oid: (dotted: string): Uint8Array => element(tag.oid, [encodeOid(dotted)]),
  octetString: (content: Uint8Array): Uint8Array => element(tag.octetString, [content]),
  bitString: (content: Uint8Array, unusedBits = 0): Uint8Array =>
    element(tag.bitString, [Uint8Array.of(unusedBits), content]),
  namedBits,
  utf8String: (value: string): Uint8Array => {
    if (!value.isWellFormed()) throw new Asn1Error('bad_value', 'half a surrogate pair is no character');
    return element(tag.utf8String, [text.encode(value)]);
  },
  printableString: (value: string): Uint8Array => {
    if (!isPrintable(value)) throw new Asn1Error('bad_value', 'a character that PrintableString does not have');
    return element(tag.printableString, [text.encode(value)]);
  },
  ia5String: (value: string): Uint8Array => {
    if (!isIa5(value)) throw new Asn1Error('bad_value', 'a character that IA5String does not have');
    return element(tag.ia5String, [text.encode(value)]);
  },
  /** UTCTime through 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
  time: (date: Date): Uint8Array =>
    fitsUtcTime(date)
      ? element(tag.utcTime, [text.encode(generalizedTimeText(date).slice(2))])
      : der.generalizedTime(date),
  generalizedTime: (date: Date): Uint8Array => element(tag.generalizedTime, [text.encode(generalizedTimeText(date))]),
  /** Bytes one after the other; no element around them. */
  concat: (...parts: Uint8Array[]): Uint8Array => join(parts, 0),
} as const;

/** A BIT STRING of a named bit list: trailing zero bits are left out (X.690, 11.2.2). */
function namedBits(bits: readonly number[]): Uint8Array {
  if (bits.length === 0) return Uint8Array.of(tag.bitString, 1, 0);
  const highest = Math.max(...bits);
  const content = new Uint8Array((highest >> 3) + 1);
  for (const bit of bits) content[bit >> 3] = (content[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
  return der.bitString(content, 7 - (highest & 7));
}

function element(elementTag: number, parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const lengthOctets = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4;
  const result = join(parts, 2 + lengthOctets);
  result[0] = elementTag;
  result[1] = lengthOctets === 0 ? length : 0x80 | lengthOctets;
  for (let octet = lengthOctets, rest = length; octet > 0; octet--, rest = Math.floor(rest / 256)) {
    result[1 + octet] = rest % 256;
  }
  return result;
}

/** All parts after `headerLength` bytes that the caller fills. */
function join(parts: readonly Uint8Array[], headerLength: number): Uint8Array {
  let length = headerLength;
  for (const part of parts) length += part.length;
  const result = new Uint8Array(length);
  let at = headerLength;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
