/**
 * Why bytes are not the ASN.1 value they should be.
 *
 * - `truncated`: an element ends after the end of its surroundings, or is missing.
 * - `trailing_data`: something follows where nothing may follow.
 * - `unexpected_tag`: another type than the structure asks for.
 * - `bad_length`: a length that no encoding allows.
 * - `non_canonical`: BER, but not DER.
 * - `too_deep`, `too_many_elements`: beyond the bounds the reader was given.
 * - `bad_value`: well-formed, but not a value of its type or structure.
 */
export type Asn1ErrorCode =
  | 'truncated'
  | 'trailing_data'
  | 'unexpected_tag'
  | 'bad_length'
  | 'non_canonical'
  | 'too_deep'
  | 'too_many_elements'
  | 'bad_value';

/** Thrown by every function that decodes or encodes ASN.1. The message tells positions and tags, never content. */
export class Asn1Error extends Error {
  override readonly name = 'Asn1Error';
  readonly code: Asn1ErrorCode;

  constructor(code: Asn1ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
