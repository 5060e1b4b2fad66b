import { readSigned } from './signed.ts';
import type { KeyObject } from 'node:crypto';
import type { AlgorithmIdentifier } from './algorithm-identifier.ts';
import { der } from './asn1/der.ts';
import { Asn1Error } from './asn1/errors.ts';
import { Asn1Reader } from './asn1/reader.ts';
import { isPrintable } from './asn1/strings.ts';
import { tag } from './asn1/tags.ts';
import { compareBytes } from './bytes.ts';
import type { Extension } from './extensions/extension.ts';
import { encodeExtensions, findExtension, readExtensions } from './extensions/extension.ts';
import type { GeneralName } from './general-name.ts';
import { decodeGeneralNames } from './general-name.ts';
import type { Name } from './name.ts';
import { readName } from './name.ts';
import { oid } from './object-identifiers.ts';
import type { PublicKeyInfo } from './public-key-info.ts';
import { readPublicKeyInfo } from './public-key-info.ts';
import { publicKeyInfoOf, signatureAlgorithmFor, signData, verifySignature } from './signature.ts';
import type { DigestName } from './signature-algorithms.ts';

// CertificationRequest, RFC 2986 4:
//   SEQUENCE { certificationRequestInfo, signatureAlgorithm AlgorithmIdentifier, signature BIT STRING }
//   CertificationRequestInfo ::= SEQUENCE { version INTEGER (0), subject Name, subjectPKInfo, [0] IMPLICIT SET OF Attribute }
//   Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, values SET OF ANY }

/** Challenges of Intune have some kilobytes. */
const maxChallengeLength = 16_384;

export interface RequestAttribute {
  /** Dotted decimal. */
  readonly oid: string;
  /** Whole elements. */
  readonly values: readonly Uint8Array[];
}

export interface CertificationRequest {
  /** The whole request, exactly as received. */
  readonly encoded: Uint8Array;
  /** The part that is signed. */
  readonly info: Uint8Array;
  readonly subject: Name;
  readonly publicKey: PublicKeyInfo;
  readonly attributes: readonly RequestAttribute[];
  /**
   * The extensions asked for in the extensionRequest attribute (RFC 2985 5.4.2), and nowhere else: Microsoft's older
   * attribute is not read. Whoever validates a request and whoever issues from it must see the same names.
   */
  readonly extensions: readonly Extension[];
  /** Whether they were wrapped in a TeletexString (Cisco IOS): another reader may see no extensions at all. */
  readonly extensionsWrapped: boolean;
  /** The names in the subject alternative name asked for. */
  readonly subjectAltNames: readonly GeneralName[];
  readonly challengePassword: string | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
}

/**
 * Decodes a PKCS #10 request. Does not verify it: see {@link verifyCertificationRequest}.
 *
 * Accepted beyond RFC 2986, because clients send it: no attributes element at all, attributes in any order, a challenge
 * in any string type, and extensions wrapped in a TeletexString (Cisco IOS).
 *
 * @throws Asn1Error `bad_value` also when challenge or extensions are given twice, as nobody could say which ones count
 * @example
 * const request = decodeCertificationRequest(bytes);
 * if (!verifyCertificationRequest(request)) throw new Error('not signed by its own key');
 */
export function decodeCertificationRequest(encoded: Uint8Array): CertificationRequest {
  const signed = readSigned(Asn1Reader.of(encoded));
  const { toBeSigned: info, signatureAlgorithm, signature } = signed;
  const { subject, publicKey, attributes } = readInfo(info.children());
  const { extensions, extensionsWrapped } = requestedExtensions(attributes);
  const subjectAltName = findExtension(extensions, oid.subjectAltName);
  return {
    encoded: signed.encoded,
    info: info.encoded,
    subject,
    publicKey,
    attributes,
    extensions,
    extensionsWrapped,
    subjectAltNames: subjectAltName === undefined ? [] : decodeGeneralNames(subjectAltName.value),
    challengePassword: challengePasswordOf(attributes),
    signatureAlgorithm,
    signature,
  };
}

function readInfo(info: Asn1Reader): { subject: Name; publicKey: PublicKeyInfo; attributes: RequestAttribute[] } {
  if (info.smallInteger() !== 0) throw new Asn1Error('bad_value', 'a request of another version than 0');
  const subject = readName(info);
  const publicKey = readPublicKeyInfo(info);
  const attributes = readAttributes(info.optionalConstructed(tag.contextConstructed(0)));
  info.end();
  return { subject, publicKey, attributes };
}

/** RFC 2986 wants the element even when it is empty; not every client writes it. */
function readAttributes(set: Asn1Reader | undefined): RequestAttribute[] {
  if (set === undefined) return [];
  const attributes: RequestAttribute[] = [];
  while (!set.atEnd()) attributes.push(readAttribute(set.sequence()));
  return attributes;
}

function readAttribute(reader: Asn1Reader): RequestAttribute {
  const type = reader.oid();
  const set = reader.set();
  reader.end();
  const values: Uint8Array[] = [];
  while (!set.atEnd()) values.push(set.next().encoded);
  return { oid: type, values };
}

/** The one value of the one attribute of this type, if there is such an attribute. */
function singleValue(attributes: readonly RequestAttribute[], type: string): Uint8Array | undefined {
  const [attribute, second] = attributes.filter((candidate) => candidate.oid === type);
  if (attribute === undefined) return undefined;
  const [value] = attribute.values;
  if (second !== undefined || attribute.values.length !== 1 || value === undefined) {
    throw new Asn1Error('bad_value', `attribute ${type} must have exactly one value`);
  }
  return value;
}

function challengePasswordOf(attributes: readonly RequestAttribute[]): string | undefined {
  const value = singleValue(attributes, oid.challengePassword);
  if (value === undefined) return undefined;
  const challenge = Asn1Reader.of(value).string();
  if (challenge.length > maxChallengeLength) throw new Asn1Error('bad_value', 'challenge password too long');
  return challenge;
}

function requestedExtensions(
  attributes: readonly RequestAttribute[],
): Pick<CertificationRequest, 'extensions' | 'extensionsWrapped'> {
  const value = singleValue(attributes, oid.extensionRequest);
  if (value === undefined) return { extensions: [], extensionsWrapped: false };
  const reader = Asn1Reader.of(value);
  // Cisco IOS 15.7 puts the DER of Extensions into a TeletexString.
  const wrapped = reader.optional(tag.teletexString);
  const inner = wrapped === undefined ? reader : Asn1Reader.of(wrapped.content);
  const extensions = readExtensions(inner);
  inner.end();
  reader.end();
  return { extensions, extensionsWrapped: wrapped !== undefined };
}

/** Whether the request is signed by its own key: proof of possession. Never throws. */
export function verifyCertificationRequest(request: CertificationRequest): boolean {
  return verifySignature(request.signatureAlgorithm, request.publicKey, request.info, request.signature);
}

export interface CertificationRequestOptions {
  readonly subject: Name;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly extensions?: readonly Extension[];
  readonly challengePassword?: string;
  /** Further attributes. */
  readonly attributes?: readonly RequestAttribute[];
  /** Default `sha256`. */
  readonly digest?: DigestName;
}

/**
 * Makes and signs a PKCS #10 request.
 *
 * @returns DER
 * @throws RangeError when this kind of key cannot sign
 * @example
 * createCertificationRequest({ subject: parseName('CN=device-1'), privateKey, publicKey, challengePassword: 'secret' });
 */
export function createCertificationRequest(options: CertificationRequestOptions): Uint8Array {
  const { privateKey, digest = 'sha256' } = options;
  const attributes = requestAttributes(options).map(({ oid: type, values }) =>
    der.sequence(der.oid(type), der.setOf(values)),
  );
  const info = der.sequence(
    der.integer(0),
    options.subject.encoded,
    publicKeyInfoOf(options.publicKey).encoded,
    der.implicitConstructed(0, ...attributes.sort(compareBytes)),
  );
  const signature = signData(privateKey, digest, info);
  return der.sequence(info, signatureAlgorithmFor(privateKey, digest).encoded, der.bitString(signature));
}

function requestAttributes(options: CertificationRequestOptions): RequestAttribute[] {
  const { challengePassword, extensions = [], attributes = [] } = options;
  const result = [...attributes];
  if (challengePassword !== undefined) {
    // RFC 2985, 5.4.1: PrintableString where possible.
    const encode = isPrintable(challengePassword) ? der.printableString : der.utf8String;
    result.push({ oid: oid.challengePassword, values: [encode(challengePassword)] });
  }
  if (extensions.length > 0) result.push({ oid: oid.extensionRequest, values: [encodeExtensions(extensions)] });
  return result;
}
