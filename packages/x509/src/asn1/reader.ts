import { Asn1Error } from './errors.ts';
import type { EncodingRules, ReadingScope } from './header.ts';
import { readHeader } from './header.ts';
import { checkInteger, decodeInteger } from './integer.ts';
import { decodeOid } from './object-identifier.ts';
import { decodeString } from './strings.ts';
import { constructedBit, tag, tagText } from './tags.ts';
import { decodeTime } from './time.ts';

/** One element: identifier, length, content. Its bytes are views of the input, not copies. */
export interface Asn1Element {
  readonly tag: number;
  /** The whole element, exactly as received. */
  readonly encoded: Uint8Array;
  /** The content octets; of an indefinite length without the end-of-contents octets. */
  readonly content: Uint8Array;
  /** A reader over the elements inside; only for constructed elements. */
  children(): Asn1Reader;
}

export interface Asn1ReaderOptions {
  /** Default `der`. */
  readonly rules?: EncodingRules;
  /** How deep readers may be nested; default 32. */
  readonly maxDepth?: number;
  /** How many elements all readers of this input may read together; default 10,000. */
  readonly maxElements?: number;
}

/**
 * A cursor over the elements of one content, X.690.
 *
 * Nothing is parsed ahead: each call reads one header, checks it, and moves on. Readers made from a reader share its
 * rules and its bounds. Every method throws {@link Asn1Error}; after that the position is undefined.
 *
 * @example
 * const algorithm = Asn1Reader.of(bytes).sequence();
 * const oid = algorithm.oid();
 * const parameters = algorithm.atEnd() ? undefined : algorithm.next().encoded;
 * algorithm.end();
 */
export class Asn1Reader {
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  readonly #scope: ReadingScope;
  readonly #depth: number;
  #offset: number;

  /** For readers of readers; start with {@link Asn1Reader.of}. */
  private constructor(bytes: Uint8Array, start: number, limit: number, scope: ReadingScope, depth: number) {
    if (depth > scope.maxDepth) throw new Asn1Error('too_deep', `nested deeper than ${scope.maxDepth}`);
    this.#bytes = bytes;
    this.#offset = start;
    this.#limit = limit;
    this.#scope = scope;
    this.#depth = depth;
  }

  /** A reader over `bytes`, which must not change while values read from them are in use. */
  static of(bytes: Uint8Array, options: Asn1ReaderOptions = {}): Asn1Reader {
    const { rules = 'der', maxDepth = 32, maxElements = 10_000 } = options;
    const scope: ReadingScope = {
      rules,
      maxDepth,
      maxElements,
      remainingElements: maxElements,
      header: { tag: 0, contentStart: 0, contentEnd: 0, end: 0 },
    };
    // Views of a Buffer would be Buffers, which are slower and compare unequal to plain arrays.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new Asn1Reader(plain, 0, plain.length, scope, 0);
  }

  atEnd(): boolean {
    return this.#offset >= this.#limit;
  }

  /** The tag of the next element, without reading it; undefined at the end. */
  peekTag(): number | undefined {
    return this.atEnd() ? undefined : this.#bytes[this.#offset];
  }

  /** The next element, whatever it is. */
  next(): Asn1Element {
    const start = this.#offset;
    this.#advance();
    const bytes = this.#bytes;
    const scope = this.#scope;
    const depth = this.#depth + 1;
    const { tag: elementTag, contentStart, contentEnd, end } = scope.header;
    return {
      tag: elementTag,
      encoded: bytes.subarray(start, end),
      content: bytes.subarray(contentStart, contentEnd),
      children() {
        if ((elementTag & constructedBit) === 0) {
          throw new Asn1Error('unexpected_tag', `element ${tagText(elementTag)} has no elements inside`);
        }
        return new Asn1Reader(bytes, contentStart, contentEnd, scope, depth);
      },
    };
  }

  /** The next element, which must have this tag. */
  read(expected: number): Asn1Element {
    this.#expect(expected);
    return this.next();
  }

  /** The next element if it has this tag. */
  optional(expected: number): Asn1Element | undefined {
    return this.peekTag() === expected ? this.next() : undefined;
  }

  sequence(): Asn1Reader {
    return this.constructed(tag.sequence);
  }

  set(): Asn1Reader {
    return this.constructed(tag.set);
  }

  /** A reader over the content of the next element, which must have this (constructed) tag. */
  constructed(expected: number): Asn1Reader {
    this.#expect(expected);
    this.#advance();
    const { contentStart, contentEnd } = this.#scope.header;
    return new Asn1Reader(this.#bytes, contentStart, contentEnd, this.#scope, this.#depth + 1);
  }

  optionalConstructed(expected: number): Asn1Reader | undefined {
    return this.peekTag() === expected ? this.constructed(expected) : undefined;
  }

  integer(): bigint {
    return decodeInteger(this.integerBytes());
  }

  /** The content octets of an INTEGER: two's complement, big-endian. */
  integerBytes(): Uint8Array {
    const content = this.#content(tag.integer);
    checkInteger(content, this.#scope.rules);
    return content;
  }

  /** An INTEGER of at most six bytes. */
  smallInteger(): number {
    const content = this.integerBytes();
    if (content.length > 6) throw new Asn1Error('bad_value', 'integer too large');
    return Number(decodeInteger(content));
  }

  boolean(): boolean {
    const content = this.#content(tag.boolean);
    const [value] = content;
    if (value === undefined || content.length > 1) throw new Asn1Error('bad_value', 'a boolean is one byte');
    if (this.#scope.rules === 'der' && value !== 0 && value !== 0xff) {
      throw new Asn1Error('non_canonical', 'a boolean that is neither 0x00 nor 0xff');
    }
    return value !== 0;
  }

  /** An OBJECT IDENTIFIER in dotted decimal. */
  oid(): string {
    this.#expect(tag.oid);
    this.#advance();
    const { contentStart, contentEnd } = this.#scope.header;
    return decodeOid(this.#bytes, contentStart, contentEnd);
  }

  null(): void {
    if (this.#content(tag.null).length > 0) throw new Asn1Error('bad_value', 'NULL with content');
  }

  /** A BIT STRING; the unused bits are the lowest ones of the last byte. */
  bitString(): { bytes: Uint8Array; unusedBits: number } {
    const content = this.#content(tag.bitString);
    const [unusedBits] = content;
    if (unusedBits === undefined || unusedBits > 7 || (unusedBits > 0 && content.length === 1)) {
      throw new Asn1Error('bad_value', 'a bit string with an impossible count of unused bits');
    }
    const padding = (content[content.length - 1] ?? 0) & ((1 << unusedBits) - 1);
    if (padding !== 0 && unusedBits > 0 && this.#scope.rules === 'der') {
      throw new Asn1Error('non_canonical', 'a bit string whose unused bits are not zero');
    }
    return { bytes: content.subarray(1), unusedBits };
  }

  /** A BIT STRING that holds bytes, as keys and signatures do. */
  wholeBytes(): Uint8Array {
    const { bytes, unusedBits } = this.bitString();
    if (unusedBits !== 0) throw new Asn1Error('bad_value', 'a bit string that is not whole bytes');
    return bytes;
  }

  /** An OCTET STRING; under BER also one in pieces, joined. */
  octetString(): Uint8Array {
    return this.#octets(tag.octetString);
  }

  /** `[number] IMPLICIT OCTET STRING`; under BER also one in pieces, joined. */
  implicitOctetString(contextNumber: number): Uint8Array {
    return this.#octets(tag.context(contextNumber));
  }

  /** Any character string type, as text. */
  string(): string {
    const element = this.next();
    return decodeString(element.tag, element.content);
  }

  /** UTCTime or GeneralizedTime, in the form of RFC 5280, 4.1.2.5. */
  time(): Date {
    const timeTag = this.peekTag() === tag.utcTime ? tag.utcTime : tag.generalizedTime;
    return decodeTime(timeTag, this.#content(timeTag));
  }

  /** Asserts that nothing follows. */
  end(): void {
    if (!this.atEnd()) throw new Asn1Error('trailing_data', `unexpected data at offset ${this.#offset}`);
  }

  #octets(primitiveTag: number): Uint8Array {
    if (this.#scope.rules === 'ber' && this.peekTag() === (primitiveTag | constructedBit)) {
      return joinPieces(this.constructed(primitiveTag | constructedBit));
    }
    return this.#content(primitiveTag);
  }

  #content(expected: number): Uint8Array {
    this.#expect(expected);
    this.#advance();
    const { contentStart, contentEnd } = this.#scope.header;
    return this.#bytes.subarray(contentStart, contentEnd);
  }

  #expect(expected: number): void {
    const found = this.peekTag();
    if (found === expected) return;
    if (found === undefined) throw new Asn1Error('truncated', `element ${tagText(expected)} is missing`);
    const at = `at offset ${this.#offset}`;
    throw new Asn1Error('unexpected_tag', `expected ${tagText(expected)}, found ${tagText(found)} ${at}`);
  }

  #advance(): void {
    const scope = this.#scope;
    scope.remainingElements -= 1;
    if (scope.remainingElements < 0) {
      throw new Asn1Error('too_many_elements', `more than ${scope.maxElements} elements`);
    }
    readHeader(this.#bytes, this.#offset, this.#limit, scope, this.#depth);
    this.#offset = scope.header.end;
  }
}

/** X.690, 8.7.3: the pieces of a constructed string are strings, which may themselves be in pieces. */
function joinPieces(outermost: Asn1Reader): Uint8Array {
  const pieces: Uint8Array[] = [];
  const open = [outermost];
  for (let reader = open.at(-1); reader !== undefined; reader = open.at(-1)) {
    if (reader.atEnd()) {
      open.pop();
    } else if (reader.peekTag() === (tag.octetString | constructedBit)) {
      open.push(reader.constructed(tag.octetString | constructedBit));
    } else {
      pieces.push(reader.read(tag.octetString).content);
    }
  }
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(pieces));
}
