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

type KeyType = 'ec' | 'rsa' | 'shortRsa';

function newParty(name: string, keyType: KeyType = 'ec'): Party {
  return {
    name,
    ...(keyType === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: keyType === 'rsa' ? 2048 : 512 })),
  };
}

interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** From yesterday until tomorrow. */
function currentValidity(): Validity {
  const dayMs = 86_400_000;
  return { from: new Date(Date.now() - dayMs), to: new Date(Date.now() + dayMs) };
}

/** PEM of a certificate of `subject`; the issuer has an EC key. */
function certify(subject: Party, issuer: Party, extensions: Uint8Array[], validity = currentValidity()): string {
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, Buffer.of(2))),
    tlv(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(8)])),
    ecdsaWithSha256,
    commonName(issuer.name),
    sequence(time(validity.from), time(validity.to)),
    commonName(subject.name),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', toBeSigned, issuer.privateKey);
  const certificate = sequence(toBeSigned, ecdsaWithSha256, tlv(0x03, Buffer.of(0), signature));
  const lines = Buffer.from(certificate).toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
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

/** Subject alternative names: dNSName [2] and iPAddress [7]. */
function alternativeNames(names: readonly string[]): Uint8Array {
  const entries = names.map((name) => {
    const address = /^\d+(?:\.\d+){3}$/.test(name) ? Buffer.from(name.split('.').map(Number)) : undefined;
    return name === '::1'
      ? tlv(0x87, Buffer.concat([Buffer.alloc(15), Buffer.of(1)]))
      : tlv(address ? 0x87 : 0x82, address ?? Buffer.from(name));
  });
  return extension('551d11', sequence(...entries));
}

const isCa = extension('551d13', sequence(tlv(0x01, Buffer.of(0xff))));

/** A fresh CA and a certificate of it, for `localhost` and its addresses unless other names are given. */
export function createServerIdentity(names: readonly string[] = ['localhost', '127.0.0.1', '::1']): ServerIdentity {
  const authority = newParty(`Test CA of ${names[0]}`);
  const server = newParty(names[0] ?? '');
  return {
    ca: certify(authority, authority, [isCa]),
    cert: certify(server, authority, [alternativeNames(names)]),
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** A certificate for a client, to be presented in TLS or to sign assertions with, and its CA. */
export interface ClientIdentity extends ServerIdentity {
  readonly publicKey: KeyObject;
  /** The private key encrypted under a passphrase, PEM. */
  readonly encryptedKey: (passphrase: string) => string;
}

export function createClientIdentity(
  name: string,
  { keyType = 'rsa', validity }: { keyType?: KeyType; validity?: Validity } = {},
): ClientIdentity {
  const authority = newParty(`${name} CA`);
  const client = newParty(name, keyType);
  return {
    ca: certify(authority, authority, [isCa]),
    cert: certify(client, authority, [], validity),
    key: client.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: client.publicKey,
    encryptedKey: (passphrase) =>
      client.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString(),
  };
}
