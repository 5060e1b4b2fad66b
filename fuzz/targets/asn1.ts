/** The reader everything else stands on, held against a second one that shares no line with it. */
import { Asn1Error, Asn1Reader } from '@scepter/x509';
import type { EncodingRules } from '@scepter/x509';
import { attempt, bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { OpenTarget, Target } from './target.ts';

const CONSTRUCTED = 0x20;
/** Both readers stop here; where exactly is not what is compared. */
const bounds = { maxDepth: 32, maxElements: 10_000 };

/** Every element as its tag and the length of its content, children in brackets. */
function walk(reader: Asn1Reader): string {
  let text = '';
  while (!reader.atEnd()) {
    const element = reader.next();
    text += `${element.tag}:${element.content.length}`;
    if ((element.tag & CONSTRUCTED) !== 0) text += `(${walk(element.children())})`;
    text += ',';
  }
  return text;
}

class Refused extends Error {}

/** As X.690, 8.1, reads, one element after the other, by plain recursion. */
class Reference {
  readonly #bytes: Uint8Array;
  readonly #rules: EncodingRules;
  #at = 0;

  constructor(bytes: Uint8Array, rules: EncodingRules) {
    this.#bytes = bytes;
    this.#rules = rules;
  }

  /** Up to `limit`, or to end-of-contents when there is none. */
  elements(limit: number | undefined, outerLimit: number, depth: number): string {
    if (depth > bounds.maxDepth * 4) throw new Refused();
    let text = '';
    for (;;) {
      if (limit !== undefined && this.#at >= limit) return text;
      if (
        limit === undefined &&
        this.#at + 2 <= outerLimit &&
        this.#bytes[this.#at] === 0 &&
        this.#bytes[this.#at + 1] === 0
      ) {
        this.#at += 2;
        return text;
      }
      text += this.#element(limit ?? outerLimit, depth);
    }
  }

  #element(limit: number, depth: number): string {
    const tag = this.#octet(limit);
    if (tag === 0 || (tag & 31) === 31) throw new Refused();
    const first = this.#octet(limit);
    if (first === 128) return this.#indefinite(tag, limit, depth);
    const length = first < 128 ? first : this.#longLength(first - 128, limit);
    const end = this.#at + length;
    if (end > limit) throw new Refused();
    const inside = (tag & CONSTRUCTED) === 0 ? '' : `(${this.elements(end, end, depth + 1)})`;
    this.#at = end;
    return `${tag}:${length}${inside},`;
  }

  #indefinite(tag: number, limit: number, depth: number): string {
    if (this.#rules === 'der' || (tag & CONSTRUCTED) === 0) throw new Refused();
    const start = this.#at;
    const inside = this.elements(undefined, limit, depth + 1);
    return `${tag}:${this.#at - 2 - start}(${inside}),`;
  }

  #longLength(count: number, limit: number): number {
    if (count > (this.#rules === 'der' ? 4 : 6)) throw new Refused();
    const octets = Array.from({ length: count }, () => this.#octet(limit));
    const length = octets.reduce((sum, octet) => sum * 256 + octet, 0);
    if (this.#rules === 'der' && (length < 128 || octets[0] === 0)) throw new Refused();
    return length;
  }

  #octet(limit: number): number {
    const octet = this.#bytes[this.#at];
    if (octet === undefined || this.#at >= limit) throw new Refused();
    this.#at += 1;
    return octet;
  }
}

function compare(input: Uint8Array, rules: EncodingRules): Outcome {
  const read = attempt(() => walk(Asn1Reader.of(input, { rules, ...bounds })), Asn1Error);
  const expected = attempt(() => new Reference(input, rules).elements(input.length, input.length, 0), Refused);
  if (!read.accepted) {
    const { code } = read.error as Asn1Error;
    if (code !== 'too_deep' && code !== 'too_many_elements') {
      promise(!expected.accepted, `the reader refuses in ${rules} what is well-formed`);
    }
    return { accepted: false, signature: read.signature };
  }
  promise(expected.accepted, `the reader takes in ${rules} what is not well-formed`);
  promise(read.value === expected.value, `the reader reads in ${rules} another structure`);
  return { accepted: true, signature: `${rules} ${bucket(read.value.length)} ${read.value.slice(0, 12)}` };
}

function open(): OpenTarget {
  return {
    execute(input) {
      const inDer = compare(input, 'der');
      const inBer = compare(input, 'ber');
      promise(!inDer.accepted || inBer.accepted, 'what is DER is BER, too');
      return { accepted: inBer.accepted, signature: `${inDer.signature} ${inBer.signature}` };
    },
  };
}

export const asn1Targets: readonly Target[] = [
  {
    name: 'asn1-reader',
    description: 'elements in DER and BER, against a second reader',
    inputKind: 'asn1',
    corpora: ['certificate', 'pki-message', 'extension', 'asn1-reader'],
    open,
  },
];
