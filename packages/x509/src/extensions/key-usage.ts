import { der } from '../asn1/der.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { oid } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

// KeyUsage, RFC 5280 4.2.1.3: a BIT STRING whose bits have names.

const bitNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

export type KeyUsage = (typeof bitNames)[number];

/** The usages in the order of their bits. Bits without a name are ignored. @throws Asn1Error */
export function decodeKeyUsage(value: Uint8Array): KeyUsage[] {
  const reader = Asn1Reader.of(value);
  const { bytes } = reader.bitString();
  reader.end();
  return bitNames.filter((_, bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

export function encodeKeyUsage(usages: readonly KeyUsage[]): Uint8Array {
  return der.namedBits(usages.map((usage) => bitNames.indexOf(usage)));
}

/** Critical, as RFC 5280 asks for. */
export function keyUsageExtension(usages: readonly KeyUsage[]): Extension {
  return { oid: oid.keyUsage, critical: true, value: encodeKeyUsage(usages) };
}
