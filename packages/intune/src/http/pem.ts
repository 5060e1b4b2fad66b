/** Certificates and private keys in PEM (RFC 7468). Every message says what is wrong and none repeats contents. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** Far above any chain. */
export const longestPem = 1024 * 1024;

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
const privateKeyBlock = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----.*?-----END \1-----/gs;

/** What is wrong with a text, as the end of a sentence whose beginning names it. */
export class PemProblem extends Error {}

/**
 * The certificates in a text, in its order.
 * @throws {PemProblem}
 */
export function readCertificates(text: string): X509Certificate[] {
  const blocks = text.match(certificateBlock) ?? [];
  if (blocks.length === 0 || blocks.length !== text.split('-----BEGIN CERTIFICATE-----').length - 1) {
    throw new PemProblem('must be certificates in PEM, with whole BEGIN CERTIFICATE and END CERTIFICATE lines');
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new PemProblem(`must be certificates in PEM; certificate ${index + 1} of ${blocks.length} cannot be read`);
    }
  });
}

/**
 * The one private key in a text, which may hold certificates beside it.
 * @throws {PemProblem}
 */
export function readPrivateKey(text: string, passphrase: string | undefined): KeyObject {
  const [block, ...others] = text.match(privateKeyBlock) ?? [];
  if (block === undefined || others.length > 0) {
    const found = block === undefined ? 'none was found' : 'several were found';
    throw new PemProblem(`must be one private key in PEM; ${found}`);
  }
  const isEncrypted = block.includes('ENCRYPTED');
  if (isEncrypted && passphrase === undefined) {
    throw new PemProblem('is encrypted: a passphrase is needed');
  }
  try {
    return createPrivateKey({ key: block, format: 'pem', ...(isEncrypted && { passphrase: passphrase ?? '' }) });
  } catch {
    throw new PemProblem(isEncrypted ? 'cannot be decrypted: is the passphrase right?' : 'cannot be read');
  }
}

/** A certificate with the private key that belongs to it. */
export interface KeyPair {
  /** First the key's own certificate, then the others in their order. */
  readonly certificates: readonly [X509Certificate, ...X509Certificate[]];
  readonly privateKey: KeyObject;
}

/**
 * Puts the certificate that belongs to the key first: tools write chains in either order.
 * @throws {PemProblem} when none belongs to it
 */
export function matchKeyPair(certificates: readonly X509Certificate[], privateKey: KeyObject): KeyPair {
  const own = certificates.find((certificate) => certificate.checkPrivateKey(privateKey));
  if (own === undefined) {
    throw new PemProblem('does not belong to the certificate');
  }
  return { certificates: [own, ...certificates.filter((certificate) => certificate !== own)], privateKey };
}
