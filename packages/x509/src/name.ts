import type { Asn1Element } from './asn1/reader.ts';
import { Asn1Reader } from './asn1/reader.ts';
import { der } from './asn1/der.ts';
import { Asn1Error } from './asn1/errors.ts';
import { decodeString, isIa5, isPrintable, isStringTag } from './asn1/strings.ts';
import { tag } from './asn1/tags.ts';
import { equalBytes, toHex } from './bytes.ts';
import { attributeTypeOid } from './name-attribute-types.ts';
import { oid } from './object-identifiers.ts';

// Name, RFC 5280 4.1.2.4:
//   RDNSequence ::= SEQUENCE OF RelativeDistinguishedName
//   RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
//   AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY }

export interface NameAttribute {
  /** Dotted decimal. */
  readonly type: string;
  /** The text; for a value that is no character string `#` and the upper-case hex of `encodedValue`. */
  readonly value: string;
  /** The whole element of the value, as received. */
  readonly encodedValue: Uint8Array;
}

export interface Name {
  /** In the order of the encoding, most general first. */
  readonly rdns: readonly (readonly NameAttribute[])[];
  /** The whole RDNSequence, exactly as received. */
  readonly encoded: Uint8Array;
}

/** Thrown when a name cannot be built from what is given as text. */
export class NameError extends Error {
  override readonly name = 'NameError';
  readonly code: 'name.syntax' | 'name.unknown_type' | 'name.bad_value';

  constructor(code: 'name.syntax' | 'name.unknown_type' | 'name.bad_value', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Reads a Name. Empty names and sets in any order are accepted.
 *
 * @throws Asn1Error
 */
export function readName(reader: Asn1Reader): Name {
  const element = reader.read(tag.sequence);
  const rdns: NameAttribute[][] = [];
  const sequence = element.children();
  while (!sequence.atEnd()) rdns.push(readRdn(sequence.set()));
  return { rdns, encoded: element.encoded };
}

/** Decodes one Name with nothing behind it. @throws Asn1Error */
export function decodeName(encoded: Uint8Array): Name {
  const reader = Asn1Reader.of(encoded);
  const name = readName(reader);
  reader.end();
  return name;
}

function readRdn(set: Asn1Reader): NameAttribute[] {
  if (set.atEnd()) throw new Asn1Error('bad_value', 'a relative distinguished name without attributes');
  const attributes: NameAttribute[] = [];
  while (!set.atEnd()) {
    const pair = set.sequence();
    const type = pair.oid();
    attributes.push(nameAttribute(type, pair.next()));
    pair.end();
  }
  return attributes;
}

function nameAttribute(type: string, element: Asn1Element): NameAttribute {
  const value = isStringTag(element.tag)
    ? decodeString(element.tag, element.content)
    : `#${toHex(element.encoded).toUpperCase()}`;
  return { type, value, encodedValue: element.encoded };
}

/**
 * Builds a name in the order of the encoding, most general first.
 *
 * String types are those of RFC 5280, appendix A: PrintableString for country, serial number and qualifier, IA5String
 * for e-mail address and domain component, UTF8String for the rest.
 *
 * @param rdns attributes by dotted decimal or short name (`CN`), as text
 * @throws NameError `name.unknown_type`, `name.bad_value`
 * @example
 * buildName([[{ type: 'O', value: 'Contoso' }], [{ type: oid.commonName, value: 'device-1' }]]);
 */
export function buildName(rdns: readonly (readonly { readonly type: string; readonly value: string }[])[]): Name {
  const sets = rdns.map((attributes) => {
    if (attributes.length === 0)
      throw new NameError('name.bad_value', 'a relative distinguished name needs attributes');
    return attributes.map(({ type, value }) => {
      const dotted = attributeTypeOid(type);
      if (dotted === undefined) throw new NameError('name.unknown_type', 'an attribute type that is not known');
      return { type: dotted, encodedValue: encodeAttributeValue(dotted, value) };
    });
  });
  return encodeName(sets);
}

/**
 * A name from attributes whose values are encoded already.
 *
 * @throws NameError `name.bad_value` for a type that is no object identifier, and for a value that does not decode
 */
export function encodeName(
  rdns: readonly (readonly { readonly type: string; readonly encodedValue: Uint8Array }[])[],
): Name {
  try {
    const sets = rdns.map((attributes) =>
      der.setOf(attributes.map(({ type, encodedValue }) => der.sequence(der.oid(type), encodedValue))),
    );
    return decodeName(der.sequence(...sets));
  } catch (cause) {
    throw new NameError('name.bad_value', 'a type or a value that no name can have', { cause });
  }
}

/** The element that holds `value` in an attribute of this type. @throws NameError `name.bad_value` */
export function encodeAttributeValue(type: string, value: string): Uint8Array {
  switch (type) {
    case oid.countryName:
    case oid.serialNumber:
    case oid.distinguishedNameQualifier:
      if (!isPrintable(value)) throw new NameError('name.bad_value', 'this attribute takes printable ASCII only');
      return der.printableString(value);
    case oid.emailAddress:
    case oid.domainComponent:
      if (!isIa5(value)) throw new NameError('name.bad_value', 'this attribute takes ASCII only');
      return der.ia5String(value);
    default:
      if (!value.isWellFormed()) throw new NameError('name.bad_value', 'half a surrogate pair is no character');
      return der.utf8String(value);
  }
}

/**
 * Whether two names are the same, RFC 5280 7.1: equal attributes in equal order, whatever their string types, case and
 * runs of spaces; inside one relative distinguished name in any order.
 */
export function namesEqual(a: Name, b: Name): boolean {
  if (equalBytes(a.encoded, b.encoded)) return true;
  return a.rdns.length === b.rdns.length && a.rdns.every((rdn, index) => rdnsEqual(rdn, b.rdns[index] ?? []));
}

function rdnsEqual(a: readonly NameAttribute[], b: readonly NameAttribute[]): boolean {
  if (a.length !== b.length) return false;
  const theirs = b.map(comparable).sort();
  return a
    .map(comparable)
    .sort()
    .every((attribute, index) => attribute === theirs[index]);
}

/**
 * Normalising takes time that grows with the square of a run of combining marks. RFC 5280's longest attribute has 32,768
 * characters, real ones some dozens; what is longer than this is compared as it stands.
 */
const LONGEST_FOLDED_VALUE = 256;

/** One string that is the same for attributes that are the same. */
function comparable({ type, value, encodedValue }: NameAttribute): string {
  if (value.length > LONGEST_FOLDED_VALUE || !isStringTag(encodedValue[0] ?? 0)) return `${type}#${value}`;
  const folded = value.normalize('NFKC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
  return `${type}=${folded}`;
}
