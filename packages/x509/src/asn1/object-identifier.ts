import { Asn1Error } from './errors.ts';

// OBJECT IDENTIFIER, X.690 8.19: arcs in base 128, the first two joined into one as 40 * first + second.

/** Longer identifiers exist nowhere; the bound keeps the big-number arithmetic below harmless. */
const maxContentLength = 128;
/** One octet is at most three digits and a dot; the first one of all is two arcs. */
const maxTextLength = 4 * maxContentLength + 4;

/** Content octets to dotted decimal. */
export function decodeOid(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > maxContentLength) throw new Asn1Error('bad_value', 'object identifier too long');
  if (end === start || ((bytes[end - 1] ?? 0) & 0x80) !== 0) {
    throw new Asn1Error('bad_value', 'object identifier is empty or cut off');
  }
  let text = '';
  let at = start;
  while (at < end) {
    if (bytes[at] === 0x80) throw new Asn1Error('non_canonical', 'object identifier with a padded arc');
    const arcStart = at;
    let arc = 0;
    let octet: number;
    do {
      octet = bytes[at++] ?? 0;
      arc = arc * 128 + (octet & 0x7f);
    } while (octet >= 0x80);
    const exact = at - arcStart > 7 ? wideArc(bytes, arcStart, at) : arc;
    text += arcStart === start ? firstArcs(exact) : `.${exact}`;
  }
  return text;
}

function firstArcs(joined: number | bigint): string {
  if (joined < 40) return `0.${joined}`;
  if (joined < 80) return `1.${Number(joined) - 40}`;
  return `2.${typeof joined === 'bigint' ? joined - 80n : joined - 80}`;
}

/** Arcs of 53 bits and more, such as the UUIDs below 2.25. */
function wideArc(bytes: Uint8Array, start: number, end: number): bigint {
  let arc = 0n;
  for (let at = start; at < end; at++) arc = (arc << 7n) | BigInt((bytes[at] ?? 0) & 0x7f);
  return arc;
}

/** Dotted decimal to content octets: whatever `decodeOid` gives, and no more. */
export function encodeOid(text: string): Uint8Array {
  if (text.length > maxTextLength || !/^[0-2](\.(0|[1-9]\d*))+$/.test(text)) {
    throw new Asn1Error('bad_value', 'not an object identifier in dotted decimal');
  }
  const [first = 0n, second = 0n, ...rest] = text.split('.').map(BigInt);
  if (first < 2n && second >= 40n) throw new Asn1Error('bad_value', 'second arc of an object identifier above 39');
  const octets: number[] = [];
  for (const arc of [first * 40n + second, ...rest]) octets.push(...base128(arc));
  if (octets.length > maxContentLength) throw new Asn1Error('bad_value', 'object identifier too long');
  return Uint8Array.from(octets);
}

function base128(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return octets;
}
