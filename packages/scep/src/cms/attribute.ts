import { Asn1Reader, der } from '@scepter/x509';
import type { Asn1Element } from '@scepter/x509';
import { ScepError } from '../errors.ts';

// RFC 5652 section 5.3
// Attribute ::= SEQUENCE { attrType OBJECT IDENTIFIER, attrValues SET OF AttributeValue }

export interface Attribute {
  type: string;
  values: Asn1Element[];
}

// SCEP defines six attributes and CMS three; clients add a few of their own.
const maximumAttributes = 64;
const maximumValues = 16;

const readAttribute = (reader: Asn1Reader): Attribute => {
  const sequence = reader.sequence();
  const type = sequence.oid();
  const set = sequence.set();
  sequence.end();
  const values: Asn1Element[] = [];
  while (!set.atEnd()) {
    if (values.length === maximumValues) throw new ScepError('scep.undecodable', 'an attribute has too many values');
    values.push(set.next());
  }
  return { type, values };
};

export const readAttributes = (reader: Asn1Reader): Attribute[] => {
  const attributes: Attribute[] = [];
  while (!reader.atEnd()) {
    if (attributes.length === maximumAttributes) throw new ScepError('scep.undecodable', 'too many signed attributes');
    attributes.push(readAttribute(reader));
  }
  return attributes;
};

/** All values of a type, also when they are spread over several attributes. */
export const attributeValues = (attributes: readonly Attribute[], type: string): Asn1Element[] =>
  attributes.filter((attribute) => attribute.type === type).flatMap((attribute) => attribute.values);

/** A reader over the only value of a type, or `undefined` when there is none. More than one is an error. */
export const optionalAttributeValue = (attributes: readonly Attribute[], type: string): Asn1Reader | undefined => {
  const [value, ...more] = attributeValues(attributes, type);
  if (more.length > 0) throw new ScepError('scep.undecodable', `attribute ${type} has more than one value`);
  return value === undefined ? undefined : Asn1Reader.of(value.encoded, { rules: 'ber' });
};

/** As `optionalAttributeValue`, for an attribute that must be there. */
export const attributeValue = (attributes: readonly Attribute[], type: string): Asn1Reader => {
  const value = optionalAttributeValue(attributes, type);
  if (value === undefined) throw new ScepError('scep.undecodable', `attribute ${type} is missing`);
  return value;
};

export const encodeAttribute = (type: string, value: Uint8Array): Uint8Array =>
  der.sequence(der.oid(type), der.set(value));
