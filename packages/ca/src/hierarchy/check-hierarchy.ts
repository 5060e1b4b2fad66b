/* Whether what was read is one whole CA: parts of two CAs, or a flipped bit, must not go unnoticed until a device fails. */
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import {
  decodeBasicConstraints,
  decodeKeyUsage,
  equalBytes,
  findExtension,
  isSelfSigned,
  oid,
  verifyCertificateSignature,
  publicKeyInfoOf,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { unsignedBigInt } from '../public-key/whole-numbers.ts';
import { damaged } from './authority-folder.ts';
import type { LockedAuthority } from './authority-folder.ts';

export interface LockedGeneration {
  readonly number: number;
  readonly folder: string;
  readonly issuing: LockedAuthority;
  /** The latest first; empty where the issuing CA decrypts for itself. */
  readonly registrations: readonly LockedAuthority[];
}

export interface LockedHierarchy {
  readonly root: LockedAuthority;
  readonly generations: readonly LockedGeneration[];
}

/** @throws CaError `ca.store_damaged` when the certificates are not a chain, or two generations have one name or key */
export function checkChains({ root, generations }: LockedHierarchy): void {
  if (!isSelfSigned(root.certificate) || !isIssuedBy(root.certificate, root.certificate)) {
    throw damaged(root.certificatePath, 'is not a self-signed certificate');
  }
  if (!isCa(root.certificate)) throw damaged(root.certificatePath, 'is not the certificate of a CA');
  for (const [index, generation] of generations.entries()) {
    checkGeneration(generation, root);
    const { issuing } = generation;
    const double = generations.slice(0, index).find((earlier) => isAlike(earlier.issuing, issuing));
    if (double === undefined) continue;
    throw damaged(issuing.certificatePath, `has the name or the key of ${double.issuing.certificatePath}`);
  }
}

function checkGeneration({ folder, issuing, registrations }: LockedGeneration, root: LockedAuthority): void {
  if (!isIssuedBy(issuing.certificate, root.certificate)) {
    throw damaged(issuing.certificatePath, `is not issued by the CA in ${root.certificatePath}`);
  }
  if (!isCa(issuing.certificate)) throw damaged(issuing.certificatePath, 'is not the certificate of a CA');
  if (registrations.length === 0 && !decrypts(issuing.certificate)) {
    throw damaged(join(folder, 'registration-1'), 'is missing');
  }
  for (const registration of registrations) {
    if (!isIssuedBy(registration.certificate, issuing.certificate)) {
      throw damaged(registration.certificatePath, `is not issued by the CA in ${issuing.certificatePath}`);
    }
  }
}

/** @throws CaError `ca.store_damaged` when the key is not that of the certificate, or its numbers do not fit together */
export function checkKey({ certificate, certificatePath, keyPath }: LockedAuthority, privateKey: KeyObject): void {
  if (!equalBytes(publicKeyInfoOf(privateKey).encoded, certificate.publicKey.encoded)) {
    throw damaged(keyPath, `is not the private key of ${certificatePath}`);
  }
  if (!hasSoundNumbers(privateKey)) throw damaged(keyPath, 'holds a private key whose numbers do not fit together');
}

function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  return (
    equalBytes(certificate.issuer.encoded, issuer.subject.encoded) &&
    verifyCertificateSignature(certificate, issuer.publicKey)
  );
}

/** Whatever one of them issued, a verifier could take for the other's. */
function isAlike({ certificate: one }: LockedAuthority, { certificate: other }: LockedAuthority): boolean {
  return (
    equalBytes(one.subject.encoded, other.subject.encoded) || equalBytes(one.publicKey.encoded, other.publicKey.encoded)
  );
}

/** Whether SCEP messages are encrypted to this CA itself. */
function decrypts({ extensions, publicKey }: Certificate): boolean {
  const usage = findExtension(extensions, oid.keyUsage);
  return publicKey.key.kind === 'rsa' && usage !== undefined && decodeKeyUsage(usage.value).includes('keyEncipherment');
}

function isCa({ extensions }: Certificate): boolean {
  const constraints = findExtension(extensions, oid.basicConstraints);
  return constraints !== undefined && decodeBasicConstraints(constraints.value).ca;
}

/**
 * RFC 8017 3.2: n = pq, and the exponents fit. OpenSSL does not look when it loads a key, and a signature made with one
 * wrong prime exponent gives away the factors.
 */
function hasSoundNumbers(privateKey: KeyObject): boolean {
  if (privateKey.asymmetricKeyType !== 'rsa') return true;
  const { n, e, d, p, q, dp, dq, qi } = privateKey.export({ format: 'jwk' });
  const numbers = [n, e, d, p, q, dp, dq, qi].map((text) => unsignedBigInt(Buffer.from(text ?? '', 'base64url')));
  const [modulus = 0n, exponent = 0n, secret = 0n, first = 0n, second = 0n] = numbers;
  const [firstExponent = 0n, secondExponent = 0n, coefficient = 0n] = numbers.slice(5);
  if (first < 2n || second < 2n || first * second !== modulus) return false;
  return (
    (exponent * firstExponent) % (first - 1n) === 1n &&
    (exponent * secondExponent) % (second - 1n) === 1n &&
    secret % (first - 1n) === firstExponent &&
    secret % (second - 1n) === secondExponent &&
    (coefficient * second) % first === 1n
  );
}
