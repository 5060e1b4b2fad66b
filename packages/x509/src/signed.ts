import { readAlgorithmIdentifier } from './algorithm-identifier.ts';
import type { AlgorithmIdentifier } from './algorithm-identifier.ts';
import type { Asn1Element, Asn1Reader } from './asn1/reader.ts';
import { tag } from './asn1/tags.ts';

// SIGNED{ToBeSigned}, RFC 5912: SEQUENCE { toBeSigned, algorithmIdentifier, signature BIT STRING }
// Certificates, certificate lists and certification requests are of this shape.

export interface Signed {
  /** The whole structure, exactly as received. */
  readonly encoded: Uint8Array;
  readonly toBeSigned: Asn1Element;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/** Reads a signed structure with nothing behind it. @throws Asn1Error */
export function readSigned(reader: Asn1Reader): Signed {
  const outer = reader.read(tag.sequence);
  reader.end();
  const fields = outer.children();
  const toBeSigned = fields.read(tag.sequence);
  const signatureAlgorithm = readAlgorithmIdentifier(fields);
  const signature = fields.wholeBytes();
  fields.end();
  return { encoded: outer.encoded, toBeSigned, signatureAlgorithm, signature };
}
