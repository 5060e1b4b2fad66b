import { der } from '../asn1/der.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { oid } from '../object-identifiers.ts';
import type { PublicKeyInfo } from '../public-key-info.ts';
import { keyIdentifier } from '../public-key-info.ts';
import type { Extension } from './extension.ts';

// SubjectKeyIdentifier, RFC 5280 4.2.1.2: an OCTET STRING.

/** @throws Asn1Error */
export function decodeSubjectKeyIdentifier(value: Uint8Array): Uint8Array {
  const reader = Asn1Reader.of(value);
  const identifier = reader.octetString();
  reader.end();
  return identifier;
}

export function encodeSubjectKeyIdentifier(identifier: Uint8Array): Uint8Array {
  return der.octetString(identifier);
}

/** The identifier of this key by RFC 5280, 4.2.1.2 method (1). Not critical. */
export function subjectKeyIdentifierExtension(publicKey: PublicKeyInfo): Extension {
  return {
    oid: oid.subjectKeyIdentifier,
    critical: false,
    value: encodeSubjectKeyIdentifier(keyIdentifier(publicKey)),
  };
}
