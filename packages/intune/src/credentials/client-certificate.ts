/** OAuth 2.0 client authentication with an assertion signed by a certificate's key: RFC 7521 4.2, RFC 7523 2.2 and 3. */
import type { Call } from '../call.ts';
import { IntuneAuthenticationError } from '../errors.ts';
import { matchKeyPair, PemProblem, readCertificates, readPrivateKey, type KeyPair } from '../http/pem.ts';
import type { ClientProof, ProveClient } from './client-proof.ts';
import { fileProblem, readCredentialFile } from './credential-file.ts';

export interface CertificateProofOptions {
  readonly passphrase?: string;
  readonly sendCertificateChain?: boolean;
  readonly now: () => Date;
}

export interface CertificateFiles {
  readonly certificateFile: string;
  /** Default: `certificateFile`. */
  readonly privateKeyFile?: string;
  readonly passphrase?: string;
}

/** What Entra accepts at least. */
const shortestKeyBits = 2048;

/**
 * MSAL signs assertions with PS256, so the key must be RSA.
 * @throws {PemProblem}
 */
export function checkSigningPair(pair: KeyPair): KeyPair {
  const { asymmetricKeyType, asymmetricKeyDetails } = pair.privateKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < shortestKeyBits) {
    throw new PemProblem(`must be an RSA key of at least ${shortestKeyBits} bits: Microsoft Entra takes no other`);
  }
  return pair;
}

/** @param certificate PEM that was checked, as is `privateKey` */
export function proveByCertificate(
  { certificate, privateKey }: { readonly certificate: string; readonly privateKey: string },
  options: CertificateProofOptions,
): ProveClient {
  const pair = matchKeyPair(readCertificates(certificate), readPrivateKey(privateKey, options.passphrase));
  return async (call) => proof(pair, options, call);
}

export function proveByCertificateFile(files: CertificateFiles, options: CertificateProofOptions): ProveClient {
  return async (call) => proof(await readCertificateFiles({ ...options, ...files }, call), options, call);
}

/** @throws {IntuneAuthenticationError} when a file cannot be read, or certificate and key are not what Entra takes */
export async function readCertificateFiles(files: CertificateFiles, call: Call): Promise<KeyPair> {
  const { certificateFile, privateKeyFile = certificateFile, passphrase } = files;
  const certificates = await readPem(certificateFile, readCertificates, call);
  const readKey = (text: string): KeyPair =>
    checkSigningPair(matchKeyPair(certificates, readPrivateKey(text, passphrase)));
  return readPem(privateKeyFile, readKey, call);
}

/** While one of two files has been replaced and the other has not, they do not match; that is a problem as well. */
async function readPem<T>(path: string, read: (text: string) => T, call: Call): Promise<T> {
  const text = await readCredentialFile(path, call);
  try {
    return read(text);
  } catch (error) {
    throw error instanceof PemProblem ? fileProblem(path, describe(error), call) : error;
  }
}

function describe({ message }: PemProblem): string {
  return message.startsWith('must be ') ? `is no good: it ${message}` : `holds a private key that ${message}`;
}

function proof({ certificates, privateKey }: KeyPair, options: CertificateProofOptions, call: Call): ClientProof {
  const [own] = certificates;
  checkValidity(own.validFromDate, own.validToDate, options.now(), call);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const chain = certificates.map((certificate) => certificate.toString()).join('');
  const clientCertificate = {
    thumbprintSha256: own.fingerprint256.replaceAll(':', ''),
    privateKey: key,
    ...(options.sendCertificateChain === true && { x5c: chain }),
  };
  return { auth: { clientCertificate }, secrets: [key] };
}

function checkValidity(from: Date, to: Date, now: Date, { activityId }: Call): void {
  if (now > to) {
    const advice =
      'Register a new certificate for the application in Microsoft Entra and put it in place of this one; check the clock of this machine.';
    throw new IntuneAuthenticationError(`The credential's certificate ended on ${to.toISOString()}`, {
      activityId,
      advice,
    });
  }
  if (now < from) {
    const advice = 'Check the clock of this machine, and that this is the right certificate.';
    const message = `The credential's certificate is not valid before ${from.toISOString()}`;
    throw new IntuneAuthenticationError(message, { activityId, advice });
  }
}
