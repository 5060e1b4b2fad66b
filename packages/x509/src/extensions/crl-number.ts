import { der } from '../asn1/der.ts';
import { Asn1Reader } from '../asn1/reader.ts';

// CRLNumber, RFC 5280 5.2.3: INTEGER (0..MAX), growing from list to list.

/** @throws Asn1Error */
export function decodeCrlNumber(value: Uint8Array): bigint {
  const reader = Asn1Reader.of(value);
  const number = reader.integer();
  reader.end();
  return number;
}

export function encodeCrlNumber(number: bigint): Uint8Array {
  return der.integer(number);
}
