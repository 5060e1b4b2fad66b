import { der } from './asn1/der.ts';
import type { Asn1Reader } from './asn1/reader.ts';
import { tag } from './asn1/tags.ts';

// AlgorithmIdentifier, RFC 5280 4.1.1.2: SEQUENCE { algorithm OBJECT IDENTIFIER, parameters ANY OPTIONAL }

export interface AlgorithmIdentifier {
  /** Dotted decimal. */
  readonly oid: string;
  /** The whole element of the parameters. */
  readonly parameters?: Uint8Array;
  /** The whole AlgorithmIdentifier, exactly as received. */
  readonly encoded: Uint8Array;
}

/** @throws Asn1Error */
export function readAlgorithmIdentifier(reader: Asn1Reader): AlgorithmIdentifier {
  const element = reader.read(tag.sequence);
  const fields = element.children();
  const oid = fields.oid();
  if (fields.atEnd()) return { oid, encoded: element.encoded };
  const parameters = fields.next().encoded;
  fields.end();
  return { oid, parameters, encoded: element.encoded };
}

/** @param parameters the whole element; left out when undefined */
export function encodeAlgorithmIdentifier(oid: string, parameters?: Uint8Array): AlgorithmIdentifier {
  if (parameters === undefined) return { oid, encoded: der.sequence(der.oid(oid)) };
  return { oid, parameters, encoded: der.sequence(der.oid(oid), parameters) };
}
