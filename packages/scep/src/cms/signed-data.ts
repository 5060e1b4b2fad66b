import { der, tag } from '@scepter/x509';
import type { Asn1Reader, DigestName } from '@scepter/x509';
import { digestAlgorithm } from '../algorithms.ts';
import { ScepError } from '../errors.ts';
import { cmsOid } from '../object-identifiers.ts';
import { encodeContentInfo, readContentInfo } from './content-info.ts';
import { framings } from './framing.ts';
import type { FramingName } from './framing.ts';
import { encodeSignerInfo, readSignerInfo } from './signer-info.ts';
import type { Signer, SignerInfo } from './signer-info.ts';

// RFC 5652 section 5.1
// SignedData ::= SEQUENCE {
//   version CMSVersion,
//   digestAlgorithms DigestAlgorithmIdentifiers,          -- SET
//   encapContentInfo EncapsulatedContentInfo,             -- SEQUENCE { eContentType, eContent [0] EXPLICIT OCTET STRING OPTIONAL }
//   certificates [0] IMPLICIT CertificateSet OPTIONAL,
//   crls [1] IMPLICIT RevocationInfoChoices OPTIONAL,
//   signerInfos SignerInfos }                             -- SET

export interface SignedData {
  contentType: string;
  content: Uint8Array | undefined;
  /** Whole encodings; forms other than X.509 certificates are left out. */
  certificates: Uint8Array[];
  crls: Uint8Array[];
  signerInfos: SignerInfo[];
}

// A chain with its RA certificates is far shorter; a sender that needs more than this is not a SCEP client.
const maximumCertificates = 16;
const maximumCrls = 16;
const maximumSignerInfos = 16;

const readSequencesOf = (reader: Asn1Reader | undefined, maximum: number, what: string): Uint8Array[] => {
  const found: Uint8Array[] = [];
  if (reader === undefined) return found;
  for (let count = 0; !reader.atEnd(); count += 1) {
    if (count === maximum) throw new ScepError('scep.undecodable', `too many ${what}`);
    const element = reader.next();
    if (element.tag === tag.sequence) found.push(element.encoded);
  }
  return found;
};

const readSignerInfos = (reader: Asn1Reader): SignerInfo[] => {
  const signerInfos: SignerInfo[] = [];
  while (!reader.atEnd()) {
    if (signerInfos.length === maximumSignerInfos) throw new ScepError('scep.undecodable', 'too many signers');
    signerInfos.push(readSignerInfo(reader));
  }
  return signerInfos;
};

const readEncapsulatedContent = (reader: Asn1Reader): { contentType: string; content: Uint8Array | undefined } => {
  const contentType = reader.oid();
  const explicit = reader.optionalConstructed(tag.contextConstructed(0));
  const content = explicit?.octetString();
  explicit?.end();
  reader.end();
  // Some clients send an empty eContent where RFC 8894 section 3 wants none.
  return { contentType, content: content === undefined || content.length === 0 ? undefined : content };
};

/** Reads a ContentInfo with SignedData. Throws ScepError or Asn1Error. */
export const decodeSignedData = (bytes: Uint8Array): SignedData => {
  const explicit = readContentInfo(bytes, cmsOid.signedData);
  const signedData = explicit.sequence();
  explicit.end();
  signedData.smallInteger();
  signedData.set();
  const encapsulated = readEncapsulatedContent(signedData.sequence());
  const certificates = signedData.optionalConstructed(tag.contextConstructed(0));
  const crls = signedData.optionalConstructed(tag.contextConstructed(1));
  const signerInfos = readSignerInfos(signedData.set());
  signedData.end();
  return {
    ...encapsulated,
    certificates: readSequencesOf(certificates, maximumCertificates, 'certificates'),
    crls: readSequencesOf(crls, maximumCrls, 'certificate revocation lists'),
    signerInfos,
  };
};

/** SignedData over `content` by one signer, whose certificate goes along. Without content, the eContent is omitted. */
export const encodeSignedData = (options: {
  content: Uint8Array | undefined;
  attributes: readonly Uint8Array[];
  digest: DigestName;
  signer: Signer;
  framing: FramingName;
}): Uint8Array => {
  const { content, digest, signer } = options;
  const framing = framings[options.framing];
  const encapsulated =
    content === undefined
      ? framing.sequence(der.oid(cmsOid.data))
      : framing.sequence(der.oid(cmsOid.data), framing.context(0, framing.octetString(content)));
  const signerInfo = encodeSignerInfo(signer, digest, content ?? new Uint8Array(), options.attributes);
  const signedData = framing.sequence(
    der.integer(1),
    der.set(digestAlgorithm(digest).encoded),
    encapsulated,
    framing.context(0, signer.certificate.encoded),
    framing.set(signerInfo),
  );
  return encodeContentInfo(framing, cmsOid.signedData, signedData);
};
