import { decodeEnvelope, openEnvelope, openEnvelopeWithPassword } from '@scepter/scep';
import { Asn1Reader, decodeCertificate, readAlgorithmIdentifier, tag } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import type { ForgedSigner } from './forge-message.ts';
import { wireOid } from './object-identifiers.ts';
import { readSignedData } from './read-reply.ts';
import type { Reply } from './read-reply.ts';
import { WireError } from './wire-error.ts';

// RFC 8894 sections 3.2.2, 3.3.2.1 and 3.4: what a CertRep SUCCESS brings.

export interface SuccessContents {
  /** Of the EncryptedContentInfo. */
  readonly innerContentType: string;
  /** Dotted decimal. */
  readonly contentCipher: string;
  readonly recipientKinds: readonly ('key transport' | 'password' | 'other')[];
  /** Of the first key transport recipient. */
  readonly recipientIdentifier: 'issuerAndSerial' | 'subjectKeyIdentifier' | undefined;
  /** Dotted decimal, of the first key transport recipient. */
  readonly keyTransport: string | undefined;
  /** Of the degenerate SignedData. */
  readonly degenerate: { readonly hasContent: boolean; readonly signers: number };
  readonly certificates: readonly Certificate[];
  readonly crls: readonly Uint8Array[];
}

type EnvelopeFacts = Pick<
  SuccessContents,
  'innerContentType' | 'contentCipher' | 'recipientKinds' | 'recipientIdentifier' | 'keyTransport'
>;

const passwordRecipient = tag.contextConstructed(3);

const readRecipient = (set: Asn1Reader): Pick<EnvelopeFacts, 'recipientIdentifier' | 'keyTransport'> => {
  const reader = set.sequence();
  reader.smallInteger();
  const recipientIdentifier = reader.peekTag() === tag.sequence ? 'issuerAndSerial' : 'subjectKeyIdentifier';
  reader.next();
  return { recipientIdentifier, keyTransport: readAlgorithmIdentifier(reader).oid };
};

/** What can be said of an envelope without opening it. @throws Asn1Error or WireError */
export const readEnvelopeFacts = (content: Uint8Array): EnvelopeFacts => {
  const contentInfo = Asn1Reader.of(content, { rules: 'ber' }).sequence();
  if (contentInfo.oid() !== wireOid.envelopedData) throw new WireError('the content is not EnvelopedData');
  const envelopedData = contentInfo.constructed(tag.contextConstructed(0)).sequence();
  envelopedData.smallInteger();
  envelopedData.optional(tag.contextConstructed(0));
  const set = envelopedData.set();
  const recipientKinds: EnvelopeFacts['recipientKinds'][number][] = [];
  let first: ReturnType<typeof readRecipient> | undefined;
  while (!set.atEnd()) {
    const found = set.peekTag();
    recipientKinds.push(found === tag.sequence ? 'key transport' : found === passwordRecipient ? 'password' : 'other');
    if (found === tag.sequence && first === undefined) first = readRecipient(set);
    else set.next();
  }
  const encrypted = envelopedData.sequence();
  const innerContentType = encrypted.oid();
  const contentCipher = readAlgorithmIdentifier(encrypted).oid;
  return {
    innerContentType,
    contentCipher,
    recipientKinds,
    recipientIdentifier: first?.recipientIdentifier,
    keyTransport: first?.keyTransport,
  };
};

/**
 * Opens a CertRep SUCCESS with the key that signed the request.
 *
 * @throws Asn1Error, ScepError or WireError that says what cannot be read
 */
export const readSuccess = (
  reply: Reply,
  signer: ForgedSigner,
  randomBytes: (size: number) => Uint8Array,
): SuccessContents =>
  readContents(reply, (content) => openEnvelope(decodeEnvelope(content), signer, randomBytes).content);

/** As `readSuccess`, where the key that signed cannot decrypt (RFC 8894 section 3.1). */
export const readSuccessUnderPassword = (
  reply: Reply,
  password: string,
  randomBytes: (size: number) => Uint8Array,
): SuccessContents =>
  readContents(reply, (content) => openEnvelopeWithPassword(decodeEnvelope(content), password, randomBytes));

const readContents = (reply: Reply, open: (content: Uint8Array) => Uint8Array): SuccessContents => {
  if (reply.content === undefined) throw new WireError('a SUCCESS without an envelope');
  const facts = readEnvelopeFacts(reply.content);
  const degenerate = readOpened(open(reply.content));
  return {
    ...facts,
    degenerate: { hasContent: degenerate.content !== undefined, signers: degenerate.signers.length },
    certificates: degenerate.certificates.map((encoded) => decodeCertificate(encoded, { rules: 'ber' })),
    crls: degenerate.crls,
  };
};

/** Opening never fails; what cannot be opened is noise. */
const readOpened = (content: Uint8Array): ReturnType<typeof readSignedData> => {
  try {
    return readSignedData(content);
  } catch (cause) {
    throw new WireError("the envelope does not open to certificates with the request's key or challenge", { cause });
  }
};
