import { der } from '../asn1/der.ts';
import { Asn1Error } from '../asn1/errors.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { tag } from '../asn1/tags.ts';
import { oid } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

// BasicConstraints, RFC 5280 4.2.1.9: SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER (0..MAX) OPTIONAL }

export interface BasicConstraints {
  readonly ca: boolean;
  /** How many CA certificates may follow; absent: any number. */
  readonly pathLength?: number;
}

/** @throws Asn1Error */
export function decodeBasicConstraints(value: Uint8Array): BasicConstraints {
  const reader = Asn1Reader.of(value);
  const sequence = reader.sequence();
  reader.end();
  const ca = sequence.peekTag() === tag.boolean && sequence.boolean();
  if (sequence.atEnd()) return { ca };
  const pathLength = sequence.smallInteger();
  sequence.end();
  if (pathLength < 0) throw new Asn1Error('bad_value', 'a negative path length');
  return { ca, pathLength };
}

export function encodeBasicConstraints({ ca, pathLength }: BasicConstraints): Uint8Array {
  return der.sequence(
    ...(ca ? [der.boolean(true)] : []),
    ...(pathLength === undefined ? [] : [der.integer(pathLength)]),
  );
}

/** Critical, as RFC 5280 asks for in CA certificates. */
export function basicConstraintsExtension(constraints: BasicConstraints): Extension {
  return { oid: oid.basicConstraints, critical: true, value: encodeBasicConstraints(constraints) };
}
