import { Asn1Error } from './errors.ts';
import { tag } from './tags.ts';

// Character strings, X.690 8.23 and X.680 clause 41.

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Whether elements with this tag are character strings that `decodeString` understands. */
export function isStringTag(value: number): boolean {
  switch (value) {
    case tag.utf8String:
    case tag.printableString:
    case tag.ia5String:
    case tag.teletexString:
    case tag.bmpString:
    case tag.visibleString:
    case tag.numericString:
    case tag.universalString:
      return true;
    default:
      return false;
  }
}

/**
 * Content octets of a character string to text.
 *
 * The 7-bit types are not held to their smaller alphabets: certificates with `*` or `@` in a PrintableString are
 * everywhere. A TeletexString is read as Latin-1, as everybody writes it.
 */
export function decodeString(stringTag: number, content: Uint8Array): string {
  switch (stringTag) {
    case tag.utf8String:
      return decodeUtf8(content);
    case tag.printableString:
    case tag.ia5String:
    case tag.visibleString:
    case tag.numericString:
      return decodeAscii(content);
    case tag.teletexString:
      return latin1(content);
    case tag.bmpString:
      return decodeBmp(content);
    case tag.universalString:
      return decodeUniversal(content);
    default:
      throw new Asn1Error('unexpected_tag', 'not a character string');
  }
}

function decodeUtf8(content: Uint8Array): string {
  if (isAscii(content)) return latin1(content);
  try {
    return utf8.decode(content);
  } catch (cause) {
    throw new Asn1Error('bad_value', 'malformed UTF-8', { cause });
  }
}

function decodeAscii(content: Uint8Array): string {
  if (!isAscii(content)) throw new Asn1Error('bad_value', 'a byte above 127 in a 7-bit string');
  return latin1(content);
}

function decodeBmp(content: Uint8Array): string {
  if (content.length % 2 !== 0) throw new Asn1Error('bad_value', 'BMPString of odd length');
  const swapped = Buffer.from(content).swap16().toString('utf16le');
  // Windows writes surrogate pairs into BMPStrings; halves of pairs are no text.
  if (!swapped.isWellFormed()) throw new Asn1Error('bad_value', 'half a surrogate pair in a BMPString');
  return swapped;
}

function decodeUniversal(content: Uint8Array): string {
  if (content.length % 4 !== 0) throw new Asn1Error('bad_value', 'UniversalString of odd length');
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  let text = '';
  for (let at = 0; at < content.length; at += 4) {
    const codePoint = view.getUint32(at);
    if (codePoint > 0x10ffff || (codePoint >= 0xd800 && codePoint < 0xe000)) {
      throw new Asn1Error('bad_value', 'no Unicode character in a UniversalString');
    }
    text += String.fromCodePoint(codePoint);
  }
  return text;
}

function isAscii(content: Uint8Array): boolean {
  for (let at = 0; at < content.length; at++) {
    if ((content[at] ?? 0) >= 0x80) return false;
  }
  return true;
}

function latin1(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1');
}

/** The letters, digits and signs of PrintableString, X.680 41.4. */
export function isPrintable(text: string): boolean {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text);
}

/** Whether every character is in the 7-bit alphabet of IA5String. */
export function isIa5(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) >= 0x80) return false;
  }
  return true;
}
