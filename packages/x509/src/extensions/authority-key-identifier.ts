import { der } from '../asn1/der.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { tag } from '../asn1/tags.ts';
import { oid } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

// AuthorityKeyIdentifier, RFC 5280 4.2.1.1:
//   SEQUENCE { [0] keyIdentifier OCTET STRING, [1] authorityCertIssuer GeneralNames, [2] authorityCertSerialNumber }
// All optional. Only the first is of use when a chain is built, and the only one we write.

/** The key identifier, if there is one. @throws Asn1Error */
export function decodeAuthorityKeyIdentifier(value: Uint8Array): Uint8Array | undefined {
  const reader = Asn1Reader.of(value);
  const sequence = reader.sequence();
  reader.end();
  const identifier = sequence.optional(tag.context(0))?.content;
  sequence.optional(tag.contextConstructed(1));
  sequence.optional(tag.context(2));
  sequence.end();
  return identifier;
}

export function encodeAuthorityKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return der.sequence(der.implicitPrimitive(0, identifier));
}

/** @param identifier the subject key identifier of the issuer. Not critical. */
export function authorityKeyIdentifierExtension(identifier: Uint8Array): Extension {
  return { oid: oid.authorityKeyIdentifier, critical: false, value: encodeAuthorityKeyIdentifier(identifier) };
}
