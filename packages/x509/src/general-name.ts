import { der } from './asn1/der.ts';
import { Asn1Error } from './asn1/errors.ts';
import type { Asn1Element } from './asn1/reader.ts';
import { Asn1Reader } from './asn1/reader.ts';
import { decodeOid, encodeOid } from './asn1/object-identifier.ts';
import { decodeString, isIa5 } from './asn1/strings.ts';
import { tag } from './asn1/tags.ts';
import { toHex } from './bytes.ts';
import { decodeIpAddress, encodeIpAddress } from './ip-address.ts';
import { escapeUnsafe, formatName } from './name-text.ts';
import type { Name } from './name.ts';
import { decodeName } from './name.ts';
import { oid } from './object-identifiers.ts';

// GeneralName, RFC 5280 4.2.1.6, a choice of
//   [0] otherName SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT ANY }
//   [1] rfc822Name IA5String   [2] dNSName IA5String   [3] x400Address   [4] directoryName Name (EXPLICIT, a choice)
//   [5] ediPartyName   [6] uniformResourceIdentifier IA5String   [7] iPAddress OCTET STRING   [8] registeredID OID

export type GeneralName =
  | { readonly kind: 'dns' | 'email' | 'uri' | 'upn'; readonly value: string }
  /** Dotted IPv4, or IPv6 as RFC 5952 writes it. */
  | { readonly kind: 'ip'; readonly value: string }
  | { readonly kind: 'directory'; readonly name: Name }
  | { readonly kind: 'registeredId'; readonly value: string }
  /** `encodedValue` is the element inside the explicit `[0]`. */
  | { readonly kind: 'otherName'; readonly typeId: string; readonly encodedValue: Uint8Array }
  /** A form that nobody uses, or a text or address that its form does not allow; `encoded` is the whole element. */
  | { readonly kind: 'unknown'; readonly encoded: Uint8Array };

/**
 * Decodes a GeneralNames, such as the value of a subject alternative name. Names that break the rules of their own form
 * come as `unknown`, so that the others can still be shown.
 *
 * @throws Asn1Error
 */
export function decodeGeneralNames(encoded: Uint8Array): GeneralName[] {
  const reader = Asn1Reader.of(encoded);
  const names = readGeneralNames(reader.sequence());
  reader.end();
  return names;
}

/** Reads GeneralName after GeneralName to the end. */
export function readGeneralNames(reader: Asn1Reader): GeneralName[] {
  const names: GeneralName[] = [];
  while (!reader.atEnd()) names.push(readGeneralName(reader));
  return names;
}

/** Reads one GeneralName. */
export function readGeneralName(reader: Asn1Reader): GeneralName {
  return generalName(reader.next());
}

function generalName(element: Asn1Element): GeneralName {
  switch (element.tag) {
    case tag.contextConstructed(0):
      return otherName(element);
    case tag.context(1):
      return textName('email', element);
    case tag.context(2):
      return textName('dns', element);
    case tag.contextConstructed(4):
      return { kind: 'directory', name: decodeName(element.content) };
    case tag.context(6):
      return textName('uri', element);
    case tag.context(7): {
      const value = decodeIpAddress(element.content);
      return value === undefined ? { kind: 'unknown', encoded: element.encoded } : { kind: 'ip', value };
    }
    case tag.context(8):
      return { kind: 'registeredId', value: decodeOid(element.content, 0, element.content.length) };
    case tag.contextConstructed(3):
    case tag.contextConstructed(5):
      return { kind: 'unknown', encoded: element.encoded };
    default:
      throw new Asn1Error('unexpected_tag', 'not a general name');
  }
}

/** Not everybody keeps to ASCII here; other bytes have no agreed meaning. */
function textName(kind: 'email' | 'dns' | 'uri', element: Asn1Element): GeneralName {
  if (element.content.some((byte) => byte >= 0x80)) return { kind: 'unknown', encoded: element.encoded };
  return { kind, value: decodeString(tag.ia5String, element.content) };
}

function otherName(element: Asn1Element): GeneralName {
  const reader = element.children();
  const typeId = reader.oid();
  const wrapper = reader.constructed(tag.contextConstructed(0));
  const value = wrapper.next();
  wrapper.end();
  reader.end();
  if (typeId === oid.upn && value.tag === tag.utf8String) {
    return { kind: 'upn', value: decodeString(value.tag, value.content) };
  }
  return { kind: 'otherName', typeId, encodedValue: value.encoded };
}

/**
 * Encodes a GeneralNames.
 *
 * @throws Asn1Error `bad_value` for a name that its form does not allow, such as a DNS name with letters beyond ASCII
 * @example
 * encodeGeneralNames([{ kind: 'dns', value: 'device.example' }, { kind: 'ip', value: '192.0.2.1' }]);
 */
export function encodeGeneralNames(names: readonly GeneralName[]): Uint8Array {
  return der.sequence(...names.map(encodeGeneralName));
}

/** Encodes one GeneralName. @throws Asn1Error `bad_value` */
export function encodeGeneralName(name: GeneralName): Uint8Array {
  switch (name.kind) {
    case 'email':
      return der.implicitPrimitive(1, asciiBytes(name.value));
    case 'dns':
      return der.implicitPrimitive(2, asciiBytes(name.value));
    case 'uri':
      return der.implicitPrimitive(6, asciiBytes(name.value));
    case 'upn':
      return encodeOtherName(oid.upn, der.utf8String(name.value));
    case 'otherName':
      return encodeOtherName(name.typeId, name.encodedValue);
    case 'ip':
      return der.implicitPrimitive(7, encodeIpAddress(name.value));
    case 'directory':
      return der.explicit(4, name.name.encoded);
    case 'registeredId':
      return der.implicitPrimitive(8, encodeOid(name.value));
    default:
      return name.encoded;
  }
}

function encodeOtherName(typeId: string, encodedValue: Uint8Array): Uint8Array {
  return der.implicitConstructed(0, der.oid(typeId), der.explicit(0, encodedValue));
}

function asciiBytes(value: string): Uint8Array {
  if (!isIa5(value)) throw new Asn1Error('bad_value', 'only ASCII is allowed in this kind of name');
  return new TextEncoder().encode(value);
}

/** A general name as text with its kind in front, safe to print: `DNS:device.example`. */
export function formatGeneralName(name: GeneralName): string {
  switch (name.kind) {
    case 'email':
      return `email:${escapeUnsafe(name.value)}`;
    case 'dns':
      return `DNS:${escapeUnsafe(name.value)}`;
    case 'uri':
      return `URI:${escapeUnsafe(name.value)}`;
    case 'upn':
      return `UPN:${escapeUnsafe(name.value)}`;
    case 'ip':
      return `IP:${name.value}`;
    case 'directory':
      return `directory:${formatName(name.name)}`;
    case 'registeredId':
      return `RID:${name.value}`;
    case 'otherName':
      return `otherName:${name.typeId}=#${toHex(name.encodedValue).toUpperCase()}`;
    default:
      return `unknown:#${toHex(name.encoded).toUpperCase()}`;
  }
}
