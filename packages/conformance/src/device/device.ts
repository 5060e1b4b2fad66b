import {
  createCertificationRequest,
  createSelfSignedCertificate,
  decodeCertificate,
  keyUsageExtension,
  parseName,
} from '@scepter/x509';
import type { Certificate, DigestName, Extension, RequestAttribute } from '@scepter/x509';
import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { ForgedSigner } from '../wire/forge-message.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const generate = promisify(generateKeyPair);

export const newRsaKeys = (modulusLength = 2048, publicExponent = 65_537): Promise<KeyPair> =>
  generate('rsa', { modulusLength, publicExponent });

export const newEcKeys = (): Promise<KeyPair> => generate('ec', { namedCurve: 'P-256' });

export interface SelfSignedOptions {
  readonly keys: KeyPair;
  readonly subject: string;
  readonly serialNumber: Uint8Array;
  readonly now: Date;
  readonly extensions?: readonly Extension[];
  readonly digest?: DigestName;
}

const hourMs = 3_600_000;

/** The certificate that a new device signs with (RFC 8894 section 2.3): its key is good for signing and for decrypting. */
export const selfSigned = (options: SelfSignedOptions): Certificate => {
  const { keys, now } = options;
  const usages =
    keys.publicKey.asymmetricKeyType === 'rsa'
      ? (['digitalSignature', 'keyEncipherment'] as const)
      : (['digitalSignature'] as const);
  return decodeCertificate(
    createSelfSignedCertificate({
      subject: parseName(options.subject),
      ...keys,
      serialNumber: options.serialNumber,
      notBefore: new Date(now.getTime() - hourMs),
      notAfter: new Date(now.getTime() + 24 * hourMs),
      extensions: options.extensions ?? [keyUsageExtension(usages)],
      ...(options.digest === undefined ? {} : { digest: options.digest }),
    }),
  );
};

export interface RequestOptions {
  readonly keys: KeyPair;
  readonly subject: string;
  readonly challenge: string | undefined;
  readonly extensions?: readonly Extension[];
  readonly attributes?: readonly RequestAttribute[];
  readonly digest?: DigestName;
}

/** A PKCS#10 request, in DER. */
export const certificationRequest = (options: RequestOptions): Uint8Array =>
  createCertificationRequest({
    subject: parseName(options.subject),
    ...options.keys,
    ...(options.extensions === undefined ? {} : { extensions: options.extensions }),
    ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
    ...(options.challenge === undefined ? {} : { challengePassword: options.challenge }),
    ...(options.digest === undefined ? {} : { digest: options.digest }),
  });

/** A key with the certificate that goes with it. */
export interface Device extends ForgedSigner {
  readonly keys: KeyPair;
  readonly subject: string;
}
