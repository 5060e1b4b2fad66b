import { Asn1Error } from './errors.ts';
import { constructedBit } from './tags.ts';

// Identifier and length octets, X.690 8.1.2, 8.1.3 and (DER) 10.1.

/** `der` admits the one canonical encoding; `ber` also indefinite and padded lengths, and strings in pieces. */
export type EncodingRules = 'der' | 'ber';

/** Where one element lies. Reused from element to element, so that reading allocates nothing. */
interface Header {
  tag: number;
  contentStart: number;
  contentEnd: number;
  /** First byte after the element; beyond `contentEnd` only when end-of-contents octets close it. */
  end: number;
}

/** What all readers of one input share: the rules and what is left of the bounds. */
export interface ReadingScope {
  readonly rules: EncodingRules;
  readonly maxDepth: number;
  readonly maxElements: number;
  remainingElements: number;
  readonly header: Header;
}

/** Only BER pads lengths; more octets than this help nobody. */
const maxLengthOctets = { der: 4, ber: 6 };
const indefinite = -1;

/**
 * Reads the header at `offset` into `scope.header`.
 *
 * @param limit first byte after the surrounding content
 * @param depth how many elements surround this one
 * @throws Asn1Error
 */
export function readHeader(bytes: Uint8Array, offset: number, limit: number, scope: ReadingScope, depth: number): void {
  if (readTagAndLength(bytes, offset, limit, scope) === indefinite) {
    closeIndefinite(bytes, limit, scope, depth);
  }
}

function readTagAndLength(bytes: Uint8Array, offset: number, limit: number, scope: ReadingScope): number {
  const header = scope.header;
  const tag = bytes[offset];
  let length = bytes[offset + 1];
  if (tag === undefined || length === undefined || offset + 2 > limit) {
    throw new Asn1Error('truncated', `an element is missing or cut off at offset ${offset}`);
  }
  if ((tag & 0x1f) === 0x1f || tag === 0) {
    throw new Asn1Error('unexpected_tag', `reserved or multi-byte tag at offset ${offset}`);
  }
  header.tag = tag;
  header.contentStart = offset + 2;
  if (length === 0x80) {
    if (scope.rules === 'der') throw new Asn1Error('non_canonical', `indefinite length at offset ${offset}`);
    if ((tag & constructedBit) === 0) {
      throw new Asn1Error('bad_length', `indefinite length of a primitive element at offset ${offset}`);
    }
    return indefinite;
  }
  if (length > 0x80) length = readLongLength(bytes, offset, limit, scope);
  header.contentEnd = header.contentStart + length;
  header.end = header.contentEnd;
  if (header.end > limit) throw new Asn1Error('truncated', `element at offset ${offset} ends beyond its surroundings`);
  return length;
}

function readLongLength(bytes: Uint8Array, offset: number, limit: number, scope: ReadingScope): number {
  const octets = (bytes[offset + 1] ?? 0) & 0x7f;
  if (octets > maxLengthOctets[scope.rules]) {
    throw new Asn1Error('bad_length', `length of ${octets} octets at offset ${offset}`);
  }
  const start = offset + 2 + octets;
  if (start > limit) throw new Asn1Error('truncated', `length cut off at offset ${offset}`);
  let length = 0;
  for (let at = offset + 2; at < start; at++) length = length * 256 + (bytes[at] ?? 0);
  const minimal = length >= 0x80 && bytes[offset + 2] !== 0;
  if (!minimal && scope.rules === 'der') {
    throw new Asn1Error('non_canonical', `length at offset ${offset} is not minimal`);
  }
  scope.header.contentStart = start;
  return length;
}

/**
 * Finds the end-of-contents octets that close an indefinite length. Elements of definite length are skipped whole, so
 * that counting the open indefinite ones is enough: no recursion, no stack.
 */
function closeIndefinite(bytes: Uint8Array, limit: number, scope: ReadingScope, depth: number): void {
  const header = scope.header;
  const { tag, contentStart } = header;
  let at = contentStart;
  let open = 1;
  let elements = 0;
  while (open > 0) {
    if (bytes[at] === 0 && bytes[at + 1] === 0 && at + 2 <= limit) {
      open -= 1;
      at += 2;
      continue;
    }
    elements += 1;
    if (elements > scope.maxElements)
      throw new Asn1Error('too_many_elements', `more than ${scope.maxElements} elements`);
    if (readTagAndLength(bytes, at, limit, scope) === indefinite) {
      open += 1;
      if (depth + open > scope.maxDepth) throw new Asn1Error('too_deep', `nested deeper than ${scope.maxDepth}`);
      at = header.contentStart;
    } else {
      at = header.end;
    }
  }
  header.tag = tag;
  header.contentStart = contentStart;
  header.contentEnd = at - 2;
  header.end = at;
}
