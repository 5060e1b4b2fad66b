import { der, tag } from '@scepter/x509';

/** How the constructed values of a message are written: DER, or the indefinite lengths that BER allows. */
export interface Framing {
  sequence(...parts: Uint8Array[]): Uint8Array;
  set(...parts: Uint8Array[]): Uint8Array;
  /** [n] with constructed content, EXPLICIT or IMPLICIT. */
  context(contextNumber: number, ...parts: Uint8Array[]): Uint8Array;
  octetString(bytes: Uint8Array): Uint8Array;
  /** [n] IMPLICIT OCTET STRING. */
  implicitOctetString(contextNumber: number, bytes: Uint8Array): Uint8Array;
}

export type FramingName = 'der' | 'ber';

const derFraming: Framing = {
  sequence: (...parts) => der.sequence(...parts),
  set: (...parts) => der.set(...parts),
  context: (contextNumber, ...parts) => der.implicitConstructed(contextNumber, ...parts),
  octetString: (bytes) => der.octetString(bytes),
  implicitOctetString: (contextNumber, bytes) => der.implicitPrimitive(contextNumber, bytes),
};

const indefiniteLength = 0x80;
const constructedBit = 0x20;
const endOfContents = Uint8Array.of(0, 0);
// Apple's and BouncyCastle's encoders write octet strings in pieces of about this size.
const chunkBytes = 1000;

const indefinite = (tagByte: number, parts: readonly Uint8Array[]): Uint8Array =>
  der.concat(Uint8Array.of(tagByte, indefiniteLength), ...parts, endOfContents);

const chunks = (bytes: Uint8Array): Uint8Array[] => {
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    pieces.push(der.octetString(bytes.subarray(start, start + chunkBytes)));
  }
  return pieces;
};

const berFraming: Framing = {
  sequence: (...parts) => indefinite(tag.sequence, parts),
  set: (...parts) => indefinite(tag.set, parts),
  context: (contextNumber, ...parts) => indefinite(tag.contextConstructed(contextNumber), parts),
  octetString: (bytes) => indefinite(tag.octetString | constructedBit, chunks(bytes)),
  implicitOctetString: (contextNumber, bytes) => indefinite(tag.contextConstructed(contextNumber), chunks(bytes)),
};

export const framings: Readonly<Record<FramingName, Framing>> = { der: derFraming, ber: berFraming };
