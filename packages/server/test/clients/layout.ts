/** How the constructed values of a message are written: what DER leaves no choice about, clients choose. */
import { der, tag } from '@scepter/x509';

export interface Layout {
  sequence(...parts: Uint8Array[]): Uint8Array;
  set(...parts: Uint8Array[]): Uint8Array;
  /** `[number]` around whole elements. */
  context(number: number, ...parts: Uint8Array[]): Uint8Array;
  octets(bytes: Uint8Array): Uint8Array;
  /** `[number] IMPLICIT OCTET STRING`. */
  implicitOctets(number: number, bytes: Uint8Array): Uint8Array;
}

const constructed = 0x20;

/** DER. */
export const definite: Layout = {
  sequence: (...parts) => der.sequence(...parts),
  set: (...parts) => der.set(...parts),
  context: (number, ...parts) => der.implicitConstructed(number, ...parts),
  octets: (bytes) => der.octetString(bytes),
  implicitOctets: (number, bytes) => der.implicitPrimitive(number, bytes),
};

/** Definite lengths, and `encryptedContent` as a constructed [0] around one OCTET STRING: micromdm's old scepclient. */
export const wrapped: Layout = {
  ...definite,
  implicitOctets: (number, bytes) => der.implicitConstructed(number, der.octetString(bytes)),
};

/** Indefinite lengths, octet strings in pieces (X.690 8.1.3.6, 8.7.3): Apple's and Bouncy Castle's encoders. */
export function indefinite(pieceBytes = 1000): Layout {
  const element = (tagByte: number, parts: readonly Uint8Array[]): Uint8Array =>
    der.concat(Uint8Array.of(tagByte, 0x80), ...parts, Uint8Array.of(0, 0));
  const pieces = (bytes: Uint8Array): Uint8Array[] =>
    Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
      der.octetString(bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)),
    );
  return {
    sequence: (...parts) => element(tag.sequence, parts),
    set: (...parts) => element(tag.set, parts),
    context: (number, ...parts) => element(tag.contextConstructed(number), parts),
    octets: (bytes) => element(tag.octetString | constructed, pieces(bytes)),
    implicitOctets: (number, bytes) => element(tag.contextConstructed(number), pieces(bytes)),
  };
}
