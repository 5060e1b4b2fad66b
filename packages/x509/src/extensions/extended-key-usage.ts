import { der } from '../asn1/der.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { oid } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

// ExtKeyUsageSyntax, RFC 5280 4.2.1.12: SEQUENCE SIZE (1..MAX) OF OBJECT IDENTIFIER.

/** The key purposes, in dotted decimal. @throws Asn1Error */
export function decodeExtendedKeyUsage(value: Uint8Array): string[] {
  const reader = Asn1Reader.of(value);
  const sequence = reader.sequence();
  reader.end();
  const purposes: string[] = [];
  while (!sequence.atEnd()) purposes.push(sequence.oid());
  return purposes;
}

export function encodeExtendedKeyUsage(purposes: readonly string[]): Uint8Array {
  return der.sequence(...purposes.map((purpose) => der.oid(purpose)));
}

/** Not critical. */
export function extendedKeyUsageExtension(purposes: readonly string[]): Extension {
  return { oid: oid.extendedKeyUsage, critical: false, value: encodeExtendedKeyUsage(purposes) };
}
