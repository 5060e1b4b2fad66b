/** Makes `identities.json` anew, when there is a reason to: what is encrypted to the old ones in `corpus/` is lost then. */
import {
  assembleCertificate,
  basicConstraintsExtension,
  createSelfSignedCertificate,
  decodeCertificate,
  encodePem,
  encodeTbsCertificate,
  keyUsageExtension,
  parseName,
  publicKeyInfoOf,
  signatureAlgorithmFor,
  signData,
  subjectKeyIdentifierExtension,
} from '@scepter/x509';
import type { Certificate, Extension } from '@scepter/x509';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { identitiesFile } from './identities.ts';

const notBefore = new Date('2026-01-01T00:00:00Z');
const notAfter = new Date('2046-01-01T00:00:00Z');
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength });

interface Made {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
}

function selfSigned(
  subject: string,
  keys: { publicKey: KeyObject; privateKey: KeyObject },
  extensions: Extension[] = [],
): Made {
  const certificate = createSelfSignedCertificate({
    subject: parseName(subject),
    ...keys,
    serialNumber: Uint8Array.of(1),
    notBefore,
    notAfter,
    extensions,
  });
  return { certificate, privateKey: keys.privateKey };
}

const authorityKeys = rsa(2048);
const authority = selfSigned('CN=Fuzz CA,O=Scepter', authorityKeys, [
  basicConstraintsExtension({ ca: true }),
  keyUsageExtension(['keyCertSign', 'cRLSign']),
  subjectKeyIdentifierExtension(publicKeyInfoOf(authorityKeys.publicKey)),
]);
const issuer: Certificate = decodeCertificate(authority.certificate);

function issued(subject: string, serialNumber: number, privateKey: KeyObject): Made {
  const signatureAlgorithm = signatureAlgorithmFor(authority.privateKey, 'sha256');
  const publicKey = publicKeyInfoOf(createPublicKey(privateKey));
  const tbs = encodeTbsCertificate({
    serialNumber: Uint8Array.of(serialNumber),
    signatureAlgorithm,
    issuer: issuer.subject,
    notBefore,
    notAfter,
    subject: parseName(subject),
    publicKey: publicKey.encoded,
    extensions: [keyUsageExtension(['digitalSignature', 'keyEncipherment']), subjectKeyIdentifierExtension(publicKey)],
  });
  return {
    certificate: assembleCertificate(tbs, signatureAlgorithm, signData(authority.privateKey, 'sha256', tbs)),
    privateKey,
  };
}

const vectors = (name: string) =>
  JSON.parse(readFileSync(new URL(`../packages/scep/test/vectors/${name}`, import.meta.url), 'utf8')) as {
    certificate: string;
    privateKey: string;
  };
const written = ({ certificate, privateKey }: Made) => ({
  certificate: encodePem('CERTIFICATE', certificate),
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
});
const { certificate, privateKey } = vectors('recorded-requests.json');
const openssl = vectors('openssl-envelopes.json');

const identities = {
  authority: written(authority),
  recorder: written(issued('CN=Fuzz recorder,O=Scepter', 2, rsa(2048).privateKey)),
  registration: written(issued('CN=Fuzz RA,O=Scepter', 3, rsa(1024).privateKey)),
  earlier: { certificate, privateKey },
  openssl: { certificate: openssl.certificate, privateKey: openssl.privateKey },
  device: written(selfSigned('CN=device', rsa(1024))),
  ecDevice: written(selfSigned('CN=ec-device', generateKeyPairSync('ec', { namedCurve: 'P-256' }))),
  enrolling: written(selfSigned('CN=device', rsa(2048))),
  renewing: written(issued('CN=device', 4, rsa(1024).privateKey)),
};
writeFileSync(identitiesFile, `${JSON.stringify(identities, undefined, 2)}\n`);
