/** What OpenSSL says of the files that a client has written. */
import { decodeCertificate, decodePem, formatName, toHex } from '@scepter/x509';
import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { run } from './command.ts';
import type { InteropServer } from './server-fixture.ts';

export interface IssuedCertificate {
  /** Upper-case hex. */
  readonly serialNumber: string;
  /** RFC 4514. */
  readonly subject: string;
  /** SubjectPublicKeyInfo, lower-case hex. */
  readonly publicKey: string;
}

/**
 * Passes when OpenSSL verifies the certificate up to our root under the strict rules of RFC 5280, and the private key in
 * `keyFile` is the certificate's.
 */
export async function assertGoodCertificate(
  certificateFile: string,
  keyFile: string,
  server: Pick<InteropServer, 'rootFile' | 'issuingFile'>,
): Promise<IssuedCertificate> {
  const verdict = await run('openssl', [
    'verify',
    '-x509_strict',
    '-purpose',
    'sslclient',
    '-CAfile',
    server.rootFile,
    '-untrusted',
    server.issuingFile,
    certificateFile,
  ]);
  assert.equal(verdict.exitCode, 0, verdict.output);

  const certificatePem = await readFile(certificateFile, 'utf8');
  const privateKey = createPrivateKey(await readFile(keyFile, 'utf8'));
  assert.ok(new X509Certificate(certificatePem).checkPrivateKey(privateKey), 'the certificate is for another key');

  const [block] = decodePem(certificatePem);
  assert.ok(block);
  const certificate = decodeCertificate(block.bytes);
  return {
    serialNumber: certificate.serialHex,
    subject: formatName(certificate.subject),
    publicKey: toHex(certificate.publicKey.encoded),
  };
}
