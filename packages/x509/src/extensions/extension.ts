import { der } from '../asn1/der.ts';
import { Asn1Error } from '../asn1/errors.ts';
import type { Asn1Reader } from '../asn1/reader.ts';
import { tag } from '../asn1/tags.ts';

// RFC 5280, 4.2:
//   Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension
//   Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }

export interface Extension {
  /** Dotted decimal. */
  readonly oid: string;
  readonly critical: boolean;
  /** The content of extnValue: the DER of the extension's own structure. */
  readonly value: Uint8Array;
}

/**
 * Reads an Extensions. An empty one and `critical FALSE` written out are accepted; both occur.
 *
 * @throws Asn1Error `bad_value` when an extension occurs twice: two readers could each believe another one
 */
export function readExtensions(reader: Asn1Reader): Extension[] {
  const sequence = reader.sequence();
  const extensions: Extension[] = [];
  const seen = new Set<string>();
  while (!sequence.atEnd()) {
    const extension = readExtension(sequence.sequence());
    if (seen.has(extension.oid)) throw new Asn1Error('bad_value', `extension ${extension.oid} occurs twice`);
    seen.add(extension.oid);
    extensions.push(extension);
  }
  return extensions;
}

function readExtension(reader: Asn1Reader): Extension {
  const oid = reader.oid();
  const critical = reader.peekTag() === tag.boolean && reader.boolean();
  const value = reader.octetString();
  reader.end();
  return { oid, critical, value };
}

/** Encodes an Extensions, in the order given. */
export function encodeExtensions(extensions: readonly Extension[]): Uint8Array {
  return der.sequence(
    ...extensions.map(({ oid, critical, value }) =>
      der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octetString(value)),
    ),
  );
}

export function findExtension(extensions: readonly Extension[], oid: string): Extension | undefined {
  return extensions.find((extension) => extension.oid === oid);
}
