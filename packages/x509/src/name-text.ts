import { Asn1Reader } from './asn1/reader.ts';
import { isStringTag } from './asn1/strings.ts';
import { fromHex, toHex } from './bytes.ts';
import { attributeTypeName, attributeTypeOid } from './name-attribute-types.ts';
import type { Name, NameAttribute } from './name.ts';
import { encodeAttributeValue, encodeName, NameError } from './name.ts';

// Names as text, RFC 4514.

/** A name of more text than this is no name. */
const maxTextLength = 16_384;

/** Control characters and those that turn or hide text: what could forge a line of a log or a screen. */
const unsafe = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * A name as text, RFC 4514: the last (most specific) attribute of the encoding first.
 *
 * Control and formatting characters come as hex pairs, so that the text is safe to print. Attribute types without a
 * short name, and values that are no strings, come as `1.2.3=#0C0161`.
 *
 * @example
 * formatName(parseName('CN=device-1,O=Contoso')); // 'CN=device-1,O=Contoso'
 */
export function formatName(name: Name): string {
  return name.rdns
    .toReversed()
    .map((rdn) => rdn.map(formatAttribute).join('+'))
    .join(',');
}

function formatAttribute({ type, value, encodedValue }: NameAttribute): string {
  const shortName = attributeTypeName(type);
  if (shortName === undefined || !isStringTag(encodedValue[0] ?? 0)) {
    return `${shortName ?? type}=#${toHex(encodedValue).toUpperCase()}`;
  }
  return `${shortName}=${escapeValue(value)}`;
}

function escapeValue(value: string): string {
  return value
    .replaceAll(/[\\,+"<>;=]/g, String.raw`\$&`)
    .replace(/(?<!^) $/, String.raw`\ `)
    .replace(/^[ #]/, String.raw`\$&`)
    .replaceAll(unsafe, escapeCharacter);
}

/** One character as the hex pairs of its UTF-8 encoding: `\0A`. */
function escapeCharacter(character: string): string {
  return Buffer.from(character)
    .toString('hex')
    .toUpperCase()
    .replaceAll(/../g, String.raw`\$&`);
}

/** Text with control and formatting characters as hex pairs, safe to print on one line. */
export function escapeUnsafe(value: string): string {
  return value.replaceAll(unsafe, escapeCharacter);
}

/**
 * Text to a name, RFC 4514: `\,` and `\2C` escapes, `+` inside one relative distinguished name, types by short name or
 * dotted decimal, `#` and hex for an encoded value. The first one of the text becomes the last one of the encoding.
 * Beyond the RFC, spaces around separators and values in double quotes are understood, as Windows writes them.
 *
 * @throws NameError `name.syntax`, `name.unknown_type`, `name.bad_value`
 * @example
 * parseName(String.raw`CN=Doe\, Jane,OU=Sales+L=Oslo,O=Contoso,C=NO`);
 */
export function parseName(text: string): Name {
  if (text.length > maxTextLength) throw new NameError('name.syntax', `a name longer than ${maxTextLength} characters`);
  if (text.trim() === '') return encodeName([]);
  const rdns = splitUnescaped(text, ',').map((rdn) => splitUnescaped(rdn, '+').map(parseAttribute));
  return encodeName(rdns.toReversed());
}

/** Splits where the separator is neither escaped nor quoted. */
function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  if (quoted) throw new NameError('name.syntax', 'a quotation mark is not closed');
  parts.push(text.slice(start));
  return parts;
}

function parseAttribute(text: string): { type: string; encodedValue: Uint8Array } {
  const equals = text.indexOf('=');
  if (equals < 1) throw new NameError('name.syntax', 'an attribute is written type=value');
  const type = attributeTypeOid(text.slice(0, equals).trim());
  if (type === undefined) throw new NameError('name.unknown_type', 'an attribute type that is not known');
  const raw = trimUnescaped(text.slice(equals + 1));
  const encodedValue = raw.startsWith('#') ? parseHexValue(raw.slice(1)) : encodeAttributeValue(type, unescape(raw));
  return { type, encodedValue };
}

/** Without the spaces around, but with a last one that a backslash protects. Other white space belongs to the value. */
function trimUnescaped(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === ' ') start++;
  while (end > start && text[end - 1] === ' ') end--;
  let backslashes = 0;
  while (end - backslashes > start && text[end - backslashes - 1] === '\\') backslashes++;
  return text.slice(start, backslashes % 2 === 1 ? end + 1 : end);
}

function parseHexValue(hex: string): Uint8Array {
  try {
    const encoded = fromHex(hex);
    const reader = Asn1Reader.of(encoded);
    reader.next();
    reader.end();
    return encoded;
  } catch (cause) {
    throw new NameError('name.syntax', 'after # stands the hex of one DER element', { cause });
  }
}

function unescape(raw: string): string {
  const quoted = raw.length >= 2 && raw.startsWith('"') && raw.endsWith('"');
  const text = quoted ? raw.slice(1, -1) : raw;
  const octets: Buffer[] = [];
  // A run of hex pairs is UTF-8 and may hold one character in several pairs.
  const pieces = text.matchAll(/\\([0-9A-Fa-f]{2})|\\([\s\S])|([^\\"]+)|[\s\S]/g);
  for (const [piece, hexPair, escaped, plain] of pieces) {
    const literal = escaped ?? plain;
    if (hexPair !== undefined) octets.push(Buffer.from(hexPair, 'hex'));
    else if (literal !== undefined) octets.push(Buffer.from(literal));
    else throw new NameError('name.syntax', `${piece === '\\' ? 'a backslash' : 'a quotation mark'} stands alone`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(octets));
  } catch (cause) {
    throw new NameError('name.bad_value', 'escaped bytes that are not UTF-8', { cause });
  }
}
