import { Asn1Reader, der, tag } from '@scepter/x509';
import { ScepError } from '../errors.ts';
import type { Framing } from './framing.ts';

// RFC 5652 section 3
// ContentInfo ::= SEQUENCE {
//   contentType ContentType,
//   content [0] EXPLICIT ANY DEFINED BY contentType }

/** Opens a ContentInfo of the expected type and gives a reader over its content. Clients send BER, so BER is read. */
export const readContentInfo = (bytes: Uint8Array, contentType: string): Asn1Reader => {
  const outer = Asn1Reader.of(bytes, { rules: 'ber' });
  const contentInfo = outer.sequence();
  outer.end();
  const found = contentInfo.oid();
  if (found !== contentType) {
    throw new ScepError('scep.undecodable', `content type is ${found} where ${contentType} belongs`);
  }
  const content = contentInfo.constructed(tag.contextConstructed(0));
  contentInfo.end();
  return content;
};

export const encodeContentInfo = (framing: Framing, contentType: string, content: Uint8Array): Uint8Array =>
  framing.sequence(der.oid(contentType), framing.context(0, content));
