/**
 * The emulator's own TLS certificate: a small CA signs one certificate for localhost and its key is forgotten, so that
 * whoever trusts `ca.pem` trusts nothing else. Made on first start and again when it is about to expire.
 */
import { generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import {
  assembleCertificate,
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  buildName,
  createSelfSignedCertificate,
  decodePem,
  decodePublicKeyInfo,
  encodePem,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  keyIdentifier,
  keyUsageExtension,
  oid,
  signatureAlgorithmFor,
  signData,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
  type Extension,
  type Name,
} from '@scepter/x509';
import { readTextFile, writeFileAtomically } from './atomic-file.ts';
import { EmulatorError } from './errors.ts';
import type { RandomBytes } from './identifiers.ts';

export interface TlsIdentity {
  /** Private key, PKCS#8 PEM. */
  readonly key: string;
  /** The server's certificate, PEM. */
  readonly certificate: string;
  /** The CA to trust, PEM. */
  readonly ca: string;
  /** Path of `ca.pem`. */
  readonly caFile: string;
}

const lifetimeMs = 825 * 24 * 60 * 60 * 1000;
const renewBeforeExpiryMs = 7 * 24 * 60 * 60 * 1000;
const backdateMs = 60 * 60 * 1000;

/**
 * Reads `tls.pem` (key, certificate and CA; mode 0600) of the folder or makes a new one, and keeps `ca.pem` in step.
 *
 * @throws EmulatorError `emulator.state_damaged` with the path, `emulator.folder_unwritable`
 */
export async function loadOrCreateTlsIdentity(
  folder: string,
  { now, randomBytes }: { now: () => Date; randomBytes: RandomBytes },
): Promise<TlsIdentity> {
  const path = join(folder, 'tls.pem');
  const caFile = join(folder, 'ca.pem');
  const stored = await readTextFile(path);
  let identity = stored === undefined ? undefined : parseIdentity(stored, path);
  if (identity === undefined || !isCurrent(identity.certificate, now())) {
    identity = createTlsIdentity(now(), randomBytes);
    await writeFileAtomically(path, identity.key + identity.certificate + identity.ca);
  }
  if ((await readTextFile(caFile)) !== identity.ca) await writeFileAtomically(caFile, identity.ca);
  return { ...identity, caFile };
}

function isCurrent(certificate: string, now: Date): boolean {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return validFromDate <= now && validToDate.getTime() - renewBeforeExpiryMs > now.getTime();
}

function parseIdentity(text: string, path: string): Omit<TlsIdentity, 'caFile'> {
  try {
    const [key, certificate, ca, ...rest] = decodePem(text);
    if (key?.label !== 'PRIVATE KEY' || certificate === undefined || ca === undefined || rest.length > 0) {
      throw new Error('The file does not hold a key and two certificates.');
    }
    const parsed = {
      key: encodePem('PRIVATE KEY', key.bytes),
      certificate: encodePem('CERTIFICATE', certificate.bytes),
      ca: encodePem('CERTIFICATE', ca.bytes),
    };
    if (!new X509Certificate(parsed.certificate).verify(new X509Certificate(parsed.ca).publicKey)) {
      throw new Error('The certificate is not from the CA beside it.');
    }
    return parsed;
  } catch {
    throw new EmulatorError('emulator.state_damaged', `The emulator's TLS certificate in ${path} is damaged.`, {
      path,
      hint: `Delete ${path}: the emulator then makes a new one, and clients must read ca.pem again.`,
    });
  }
}

function createTlsIdentity(now: Date, randomBytes: RandomBytes): Omit<TlsIdentity, 'caFile'> {
  const caKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serverKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const validity = {
    notBefore: wholeSeconds(now.getTime() - backdateMs),
    notAfter: wholeSeconds(now.getTime() + lifetimeMs),
  };
  const caName = buildName([
    [{ type: oid.commonName, value: `Scepter Intune emulator CA ${now.toISOString().slice(0, 10)}` }],
  ]);
  const caSpki = decodePublicKeyInfo(spki(caKeys.publicKey));
  const ca = createSelfSignedCertificate({
    subject: caName,
    privateKey: caKeys.privateKey,
    publicKey: caKeys.publicKey,
    serialNumber: serialNumber(randomBytes),
    ...validity,
    extensions: [
      basicConstraintsExtension({ ca: true, pathLength: 0 }),
      keyUsageExtension(['keyCertSign', 'cRLSign']),
      subjectKeyIdentifierExtension(caSpki),
    ],
  });
  const certificate = issueServerCertificate({
    issuer: caName,
    issuerKey: caKeys.privateKey,
    publicKey: spki(serverKeys.publicKey),
    serialNumber: serialNumber(randomBytes),
    ...validity,
    extensions: serverExtensions(spki(serverKeys.publicKey), keyIdentifier(caSpki)),
  });
  return {
    key: serverKeys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    certificate: encodePem('CERTIFICATE', certificate),
    ca: encodePem('CERTIFICATE', ca),
  };
}

function issueServerCertificate(contents: {
  issuer: Name;
  issuerKey: KeyObject;
  publicKey: Uint8Array;
  serialNumber: Uint8Array;
  notBefore: Date;
  notAfter: Date;
  extensions: Extension[];
}): Uint8Array {
  const { issuerKey, ...fields } = contents;
  const signatureAlgorithm = signatureAlgorithmFor(issuerKey, 'sha256');
  const subject = buildName([[{ type: oid.commonName, value: 'Scepter Intune emulator' }]]);
  const tbs = encodeTbsCertificate({ ...fields, signatureAlgorithm, subject });
  return assembleCertificate(tbs, signatureAlgorithm, signData(issuerKey, 'sha256', tbs));
}

function serverExtensions(publicKey: Uint8Array, issuerKeyIdentifier: Uint8Array): Extension[] {
  return [
    basicConstraintsExtension({ ca: false }),
    keyUsageExtension(['digitalSignature']),
    extendedKeyUsageExtension([oid.serverAuth]),
    subjectAltNameExtension([
      { kind: 'dns', value: 'localhost' },
      { kind: 'ip', value: '127.0.0.1' },
      { kind: 'ip', value: '::1' },
    ]),
    subjectKeyIdentifierExtension(decodePublicKeyInfo(publicKey)),
    authorityKeyIdentifierExtension(issuerKeyIdentifier),
  ];
}

function spki(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' });
}

/** 16 random bytes, positive and without a leading zero byte (RFC 5280 §4.1.2.2). */
function serialNumber(randomBytes: RandomBytes): Uint8Array {
  const bytes = Uint8Array.from(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function wholeSeconds(timeMs: number): Date {
  return new Date(Math.floor(timeMs / 1000) * 1000);
}
