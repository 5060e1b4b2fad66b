import { createPrivateKey, createPublicKey, generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import {
  createSelfSignedCertificate,
  decodeCertificate,
  decodeGeneralNames,
  decodePem,
  equalBytes,
  findExtension,
  keyUsageExtension,
  oid,
} from '@scepter/x509';
import type { Certificate, GeneralName, KeyUsage, Name } from '@scepter/x509';
import { CommandError } from '../command-error.ts';
import { readTextFile } from '../files.ts';

/** A certificate with its key, in hand. */
export interface Identity {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A kind of key: RSA with its size, or a named curve. */
export type KeyKind = { readonly kind: 'rsa'; readonly bits: number } | { readonly kind: 'ec'; readonly curve: string };

const generate = promisify(generateKeyPair);

/** Makes a key pair of this kind. */
export function makeKeyPair(key: KeyKind): Promise<KeyPair> {
  return key.kind === 'rsa' ? generate('rsa', { modulusLength: key.bits }) : generate('ec', { namedCurve: key.curve });
}

/** The short-lived certificate that signs a first request (RFC 8894 2.3): the request's own subject and key. */
export function makeRequestSigner(subject: Name, keys: KeyPair, serialNumber: Uint8Array, now: Date): Certificate {
  return decodeCertificate(
    createSelfSignedCertificate({
      subject,
      ...keys,
      serialNumber,
      notBefore: new Date(now.getTime() - 3_600_000),
      notAfter: new Date(now.getTime() + 86_400_000),
      extensions: [keyUsageExtension(keyUsagesOf(keys))],
      digest: 'sha256',
    }),
  );
}

/** Only RSA keys encrypt. */
function keyUsagesOf({ publicKey }: KeyPair): KeyUsage[] {
  return publicKey.asymmetricKeyType === 'rsa' ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature'];
}

/**
 * Reads the certificate and the unencrypted private key, both PEM, that a renewal is signed with.
 *
 * @throws CommandError when a file is missing or unreadable, or the two don't belong together.
 */
export async function readIdentity(certificatePath: string, keyPath: string): Promise<Identity> {
  const certificate = readFirstCertificate(await readExisting(certificatePath), certificatePath);
  const privateKey = readPrivateKey(await readExisting(keyPath), keyPath);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  if (!equalBytes(publicKey, certificate.publicKey.encoded)) {
    throw new CommandError(`${keyPath} is not the key of the certificate in ${certificatePath}.`, {
      hint: 'Give the certificate first, then its key: --renew device.pem device.key',
    });
  }
  return { certificate, privateKey };
}

async function readExisting(path: string): Promise<string> {
  const text = await readTextFile(path);
  if (text === undefined) throw new CommandError(`There is no file ${path}.`);
  return text;
}

function readFirstCertificate(text: string, path: string): Certificate {
  try {
    const block = decodePem(text).find(({ label }) => label === 'CERTIFICATE');
    if (block !== undefined) return decodeCertificate(block.bytes);
  } catch (cause) {
    throw new CommandError(`${path} holds no readable certificate.`, { cause });
  }
  throw new CommandError(`${path} holds no certificate in PEM form.`);
}

/** @throws CommandError when it is no PEM key that can be read. */
export function readPrivateKey(text: string, path: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw new CommandError(`${path} holds no private key that can be read.`, {
      hint: 'It has to be PEM, and not encrypted.',
      cause,
    });
  }
}

/** The alternative names of a certificate; none when it has no such extension. */
export function alternativeNamesOf(certificate: Certificate): GeneralName[] {
  const extension = findExtension(certificate.extensions, oid.subjectAltName);
  return extension === undefined ? [] : decodeGeneralNames(extension.value);
}
