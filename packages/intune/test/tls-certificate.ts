/** Just enough DER (X.690) and X.509 (RFC 5280) for a CA and a server certificate that Node's TLS accepts. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

function tlv(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const length = content.length;
  const header =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), content]);
}

const sequence = (...parts: Uint8Array[]): Uint8Array => tlv(0x30, ...parts);
const oid = (hex: string): Uint8Array => tlv(0x06, Buffer.from(hex, 'hex'));
const time = (date: Date): Uint8Array =>
  tlv(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));

/** Name with one common name. */
function commonName(value: string): Uint8Array {
  return sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(value)))));
}

/** Critical or not makes no difference to Node. */
function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), tlv(0x04, value));
}

interface Party {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function newParty(name: string): Party {
  return { name, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

/** PEM of a certificate of `subject`, valid from yesterday until tomorrow. */
function certify(subject: Party, issuer: Party, extensions: Uint8Array[]): string {
  const dayMs = 86_400_000;
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(8)])),
    ecdsaWithSha256,
    commonName(issuer.name),
    sequence(time(new Date(Date.now() - dayMs)), time(new Date(Date.now() + dayMs))),
    commonName(subject.name),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, issuer.privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, tlv(0x03, Buffer.of(0), signature));
  const lines = Buffer.from(certificate).toString('base64').replace(/.{64}/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

export interface ServerIdentity {
  /** The CA that clients have to trust, PEM. */
  readonly ca: string;
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

/** A fresh CA and a certificate of it for `localhost` and 127.0.0.1. */
export function createServerIdentity(): ServerIdentity {
  const authority = newParty('Test CA');
  const server = newParty('localhost');
  const isCa = extension('551d13', sequence(tlv(0x01, Buffer.of(0xff))));
  const names = sequence(tlv(0x82, Buffer.from('localhost')), tlv(0x87, Buffer.of(127, 0, 0, 1)));
  return {
    ca: certify(authority, authority, [isCa]),
    cert: certify(server, authority, [extension('551d11', names)]),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
