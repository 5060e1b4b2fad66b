import { oid } from './object-identifiers.ts';

/**
 * Short names of attribute types, upper case. The first one of a type is the one we write. Those of RFC 4514 and 4519,
 * and what Windows, OpenSSL and Intune's subject format use beside them.
 */
const shortNames: readonly (readonly [type: string, ...names: string[]])[] = [
  [oid.commonName, 'CN', 'COMMONNAME'],
  [oid.organizationName, 'O'],
  [oid.organizationalUnitName, 'OU'],
  [oid.countryName, 'C'],
  [oid.localityName, 'L'],
  [oid.stateOrProvinceName, 'ST', 'S'],
  [oid.street, 'STREET'],
  [oid.domainComponent, 'DC'],
  [oid.userId, 'UID'],
  [oid.serialNumber, 'SERIALNUMBER'],
  [oid.emailAddress, 'E', 'EMAILADDRESS', 'EMAIL'],
  [oid.title, 'T', 'TITLE'],
  [oid.givenName, 'GN', 'G', 'GIVENNAME'],
  [oid.surname, 'SN', 'SURNAME'],
  [oid.initials, 'INITIALS', 'I'],
  [oid.generationQualifier, 'GENERATIONQUALIFIER'],
  [oid.distinguishedNameQualifier, 'DNQUALIFIER'],
  [oid.pseudonym, 'PSEUDONYM'],
  [oid.postalCode, 'POSTALCODE'],
  [oid.unstructuredName, 'UNSTRUCTUREDNAME'],
  [oid.unstructuredAddress, 'UNSTRUCTUREDADDRESS'],
];

const typeByName: ReadonlyMap<string, string> = new Map(
  shortNames.flatMap(([type, ...names]) => names.map((name): [string, string] => [name, type])),
);
const nameByType: ReadonlyMap<string, string> = new Map(
  shortNames.map(([type, name]): [string, string] => [type, name ?? type]),
);

/** Dotted decimal of an attribute type given by short name (any case), as is, or after `OID.`. */
export function attributeTypeOid(text: string): string | undefined {
  const upper = text.toUpperCase();
  const dotted = upper.startsWith('OID.') ? upper.slice(4) : upper;
  return /^[0-2](\.\d+)+$/.test(dotted) ? dotted : typeByName.get(upper);
}

/** The short name we write for an attribute type, if it has one. */
export function attributeTypeName(type: string): string | undefined {
  return nameByType.get(type);
}
