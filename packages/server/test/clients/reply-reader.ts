/** Reads a CertRep as strictly as the strictest client, apart from the product's own reader. */
import { Asn1Reader, decodeCertificate, readAlgorithmIdentifier, readName, tag, toHex } from '@scepter/x509';
import type { AlgorithmIdentifier, Asn1Element, Certificate } from '@scepter/x509';
import assert from 'node:assert/strict';
import { constants, createDecipheriv, hash, privateDecrypt, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { ciphers, cms, scep } from './wire.ts';
import type { CipherOnTheWire } from './wire.ts';

export interface ReplyAttribute {
  readonly type: string;
  readonly encoded: Uint8Array;
  readonly value: Asn1Element;
}

export interface ReplyEnvelope {
  readonly recipients: readonly { readonly issuer: Uint8Array; readonly serialNumber: Uint8Array }[];
  readonly transportOid: string;
  readonly cipherOid: string;
  /** DER of the degenerate SignedData. */
  readonly content: Uint8Array;
  readonly certificates: readonly Certificate[];
  readonly crls: readonly Uint8Array[];
}

export interface Reply {
  readonly digestOid: string;
  readonly signatureOid: string;
  readonly attributes: readonly ReplyAttribute[];
  /** Those that the message itself carries. */
  readonly certificates: readonly Certificate[];
  readonly signer: Certificate;
  readonly messageType: string;
  readonly pkiStatus: string;
  readonly failInfo: string | undefined;
  readonly transactionId: string;
  readonly senderNonce: Uint8Array;
  readonly recipientNonce: Uint8Array | undefined;
  readonly envelope: ReplyEnvelope | undefined;
}

const nodeDigests: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.5': 'md5',
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

function contentInfo(bytes: Uint8Array, expected: string): Asn1Reader {
  const outer = Asn1Reader.of(bytes);
  const info = outer.sequence();
  outer.end();
  assert.equal(info.oid(), expected);
  const explicit = info.constructed(tag.contextConstructed(0));
  const content = explicit.sequence();
  explicit.end();
  info.end();
  return content;
}

function all<Value>(reader: Asn1Reader | undefined, read: (reader: Asn1Reader) => Value): Value[] {
  const found: Value[] = [];
  if (reader === undefined) return found;
  while (!reader.atEnd()) found.push(read(reader));
  return found;
}

function readAttribute(reader: Asn1Reader): ReplyAttribute {
  const element = reader.read(tag.sequence);
  const pair = element.children();
  const type = pair.oid();
  const values = pair.set();
  const value = values.next();
  values.end();
  pair.end();
  return { type, encoded: element.encoded, value };
}

interface Signed {
  readonly content: Uint8Array | undefined;
  readonly certificates: Uint8Array[];
  readonly crls: Uint8Array[];
  readonly signers: Asn1Reader;
}

function signedData(bytes: Uint8Array): Signed {
  const reader = contentInfo(bytes, cms.signedData);
  assert.equal(reader.smallInteger(), 1);
  reader.set();
  const encapsulated = reader.sequence();
  assert.equal(encapsulated.oid(), cms.data);
  const content = encapsulated.optionalConstructed(tag.contextConstructed(0))?.octetString();
  encapsulated.end();
  const certificates = all(reader.optionalConstructed(tag.contextConstructed(0)), (each) => each.next().encoded);
  const crls = all(reader.optionalConstructed(tag.contextConstructed(1)), (each) => each.next().encoded);
  const signers = reader.set();
  reader.end();
  return { content, certificates, crls, signers };
}

/** RFC 8894 section 3.2.1, table 1: sscep and jscep take nothing else. */
function checkEncodings(attributes: readonly ReplyAttribute[]): void {
  const printable = [scep.messageType, scep.pkiStatus, scep.failInfo, scep.transactionId];
  for (const { type, value } of attributes) {
    if (
      printable.some((each) => each === type) &&
      /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(Buffer.from(value.content).toString())
    ) {
      assert.equal(value.tag, tag.printableString, type);
    }
    if (type === scep.senderNonce || type === scep.recipientNonce) assert.equal(value.tag, tag.octetString, type);
  }
}

/** Reads and verifies a reply; `privateKey` opens the envelope of a success. */
export function readReply(bytes: Uint8Array, privateKey: KeyObject): Reply {
  const signed = signedData(bytes);
  const certificates = signed.certificates.map((encoded) => decodeCertificate(encoded));
  const info = signed.signers.sequence();
  signed.signers.end();
  assert.equal(info.smallInteger(), 1);
  const sid = info.sequence();
  const issuer = toHex(readName(sid).encoded);
  const serial = toHex(sid.integerBytes());
  const signer = certificates.find(
    (each) => toHex(each.issuer.encoded) === issuer && toHex(each.serialNumber) === serial,
  );
  assert.ok(signer !== undefined, 'the signer is named by issuer and serial number and stands in the message');
  const digestOid = readAlgorithmIdentifier(info).oid;
  const set = info.read(tag.contextConstructed(0));
  const attributes = all(set.children(), readAttribute);
  const signatureOid = readAlgorithmIdentifier(info).oid;
  const signature = info.octetString();
  info.end();

  const covered = Uint8Array.from(set.encoded);
  covered[0] = tag.set;
  const digest = nodeDigests[digestOid] ?? assert.fail(`digest ${digestOid}`);
  assert.ok(verify(digest, covered, signer.publicKey.keyObject(), signature), 'the signature verifies');
  const valueOf = (type: string): Asn1Element | undefined => attributes.find((each) => each.type === type)?.value;
  const need = (type: string): Asn1Element => valueOf(type) ?? assert.fail(`the reply lacks ${type}`);
  assert.equal(Asn1Reader.of(need(cms.contentType).encoded).oid(), cms.data);
  assert.deepEqual(
    Buffer.from(need(cms.messageDigest).content),
    hash(digest, signed.content ?? new Uint8Array(), 'buffer'),
  );
  const text = (element: Asn1Element): string => Buffer.from(element.content).toString('utf8');
  checkEncodings(attributes);
  const failInfo = valueOf(scep.failInfo);
  return {
    digestOid,
    signatureOid,
    attributes,
    certificates,
    signer,
    messageType: text(need(scep.messageType)),
    pkiStatus: text(need(scep.pkiStatus)),
    failInfo: failInfo === undefined ? undefined : text(failInfo),
    transactionId: text(need(scep.transactionId)),
    senderNonce: need(scep.senderNonce).content,
    recipientNonce: valueOf(scep.recipientNonce)?.content,
    envelope: signed.content === undefined ? undefined : openEnvelope(signed.content, privateKey),
  };
}

function openEnvelope(bytes: Uint8Array, privateKey: KeyObject): ReplyEnvelope {
  const reader = contentInfo(bytes, cms.envelopedData);
  reader.smallInteger();
  const infos = all(reader.set(), (each) => {
    const info = each.sequence();
    info.smallInteger();
    const rid = info.sequence();
    const issuer = readName(rid).encoded;
    const serialNumber = rid.integerBytes();
    const transport = readAlgorithmIdentifier(info);
    return { issuer, serialNumber, transport, encryptedKey: info.octetString() };
  });
  const encrypted = reader.sequence();
  reader.end();
  assert.equal(encrypted.oid(), cms.data);
  const algorithm = readAlgorithmIdentifier(encrypted);
  const body = encrypted.implicitOctetString(0);
  const [first] = infos;
  assert.ok(first !== undefined && algorithm.parameters !== undefined);
  const cipher: CipherOnTheWire =
    Object.values(ciphers).find(({ oid }) => oid === algorithm.oid) ?? assert.fail(`cipher ${algorithm.oid}`);
  const key = unwrap(first.transport, Buffer.from(first.encryptedKey), privateKey);
  assert.equal(key.length, cipher.keyBytes);
  const decipher = createDecipheriv(
    cipher.nodeName,
    Buffer.concat(Array.from({ length: cipher.keyCopies }, () => key)),
    Asn1Reader.of(algorithm.parameters).octetString(),
  );
  const content = new Uint8Array(Buffer.concat([decipher.update(body), decipher.final()]));
  const { certificates, content: nothing, crls, signers } = signedData(content);
  assert.equal(nothing, undefined, 'a certs-only message has no content');
  signers.end();
  return {
    recipients: infos,
    transportOid: first.transport.oid,
    cipherOid: algorithm.oid,
    content,
    certificates: certificates.map((encoded) => decodeCertificate(encoded)),
    crls,
  };
}

function unwrap(transport: AlgorithmIdentifier, encryptedKey: Buffer, key: KeyObject): Buffer {
  if (transport.oid !== cms.rsaesOaep) {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encryptedKey);
  }
  const isPlain = transport.parameters === undefined || transport.parameters.length === 2;
  return privateDecrypt(
    { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: isPlain ? 'sha1' : 'sha256' },
    encryptedKey,
  );
}
