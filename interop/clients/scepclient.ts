/**
 * micromdm `scepclient` 2.1.0 (Debian's `scep`). It keeps everything beside its private key: `csr.pem` is made once and
 * used again, and when the certificate file exists it renews instead of enrolling. Its requests are encrypted with
 * single DES and signed with SHA-1, whatever the server announces.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodePem, thumbprint } from '@scepter/x509';
import { run } from '../command.ts';
import type { CommandResult } from '../command.ts';

export interface ScepclientDevice {
  readonly url: string;
  /** Its working folder. */
  readonly folder: string;
  readonly commonName: string;
  readonly challenge: string;
  /** PEM of the one certificate to encrypt to, which it is told by fingerprint. Default: all. */
  readonly recipientFile?: string;
}

export const scepclientAlgorithms = 'DES-CBC, SHA-1';

export const scepclientFiles = (folder: string): { readonly certificate: string; readonly key: string } => ({
  certificate: join(folder, 'certificate.pem'),
  key: join(folder, 'key.pem'),
});

export async function scepclientVersion(): Promise<string> {
  return (await run('scepclient', ['-version'])).output.trim();
}

/** Enrolls, or renews when the folder has a certificate. */
export async function scepclient(device: ScepclientDevice): Promise<CommandResult> {
  const { url, folder, commonName, challenge, recipientFile } = device;
  const fingerprint = recipientFile === undefined ? undefined : await sha256Of(recipientFile);
  const files = scepclientFiles(folder);
  return run(
    'scepclient',
    [
      ['-server-url', url],
      ['-private-key', files.key],
      ['-certificate', files.certificate],
      ['-keySize', '2048'],
      ['-cn', commonName],
      ['-organization', 'Interop'],
      ['-country', 'DE'],
      ['-challenge', challenge],
      fingerprint === undefined ? [] : ['-ca-fingerprint', fingerprint],
      ['-debug'],
    ].flat(),
    { folder },
  );
}

async function sha256Of(certificateFile: string): Promise<string> {
  const [block] = decodePem(await readFile(certificateFile, 'utf8'));
  if (block === undefined) throw new Error(`${certificateFile} holds no certificate.`);
  return thumbprint(block.bytes, 'sha256');
}
