/** strongSwan `pki --scepca` and `pki --scep` (Debian's `strongswan-pki`, ciphers in `libstrongswan-extra-plugins`). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import type { CommandResult } from '../command.ts';

export const strongswanCiphers = ['aes', 'des3'] as const;
export const strongswanDigests = ['sha256', 'sha512', 'sha1'] as const;

export interface StrongswanAlgorithms {
  readonly cipher: (typeof strongswanCiphers)[number];
  readonly digest: (typeof strongswanDigests)[number];
}

/** The certificates that `pki --scepca` stored, PEM files. */
export interface StrongswanAuthority {
  readonly rootFile: string;
  readonly issuingFile: string;
  readonly registrationFile: string;
}

export async function strongswanVersion(): Promise<string> {
  return /strongSwan (\S+)/.exec((await run('pki', ['--help'])).output)?.[1] ?? 'unknown';
}

/**
 * Fetches the certificates. With several CA certificates, `pki` appends `-1`, `-2` … to the name of all but the root,
 * likewise to RA certificates.
 */
export async function fetchStrongswanAuthority(
  url: string,
  folder: string,
): Promise<StrongswanAuthority & { readonly result: CommandResult }> {
  const result = await run(
    'pki',
    ['--scepca', '--url', url, '--caout', 'ca.pem', '--raout', 'ra.pem', '--outform', 'pem'],
    {
      folder,
    },
  );
  return {
    result,
    rootFile: join(folder, 'ca.pem'),
    issuingFile: join(folder, 'ca-1.pem'),
    registrationFile: join(folder, 'ra.pem'),
  };
}

export async function generateKey(keyFile: string): Promise<void> {
  const { exitCode, output } = await run('openssl', [
    'genpkey',
    '-algorithm',
    'RSA',
    '-pkeyopt',
    'rsa_keygen_bits:2048',
    '-out',
    keyFile,
  ]);
  if (exitCode !== 0) throw new Error(output);
}

export interface StrongswanRequest extends StrongswanAlgorithms {
  readonly url: string;
  readonly authority: StrongswanAuthority;
  readonly keyFile: string;
  readonly subject: string;
  readonly subjectAltName?: string;
  /** Where the certificate goes: `pki` writes it to its standard output. */
  readonly certificateFile: string;
  /** A challenge to enroll, or the old certificate and its key to renew, or nothing where a person approves. */
  readonly proof: { readonly challenge?: string } | { readonly certificateFile: string; readonly keyFile: string };
  /** How long it waits between two polls while the server answers PENDING. */
  readonly pollSeconds?: number;
}

export async function strongswan(request: StrongswanRequest): Promise<CommandResult> {
  const { authority, proof, subjectAltName } = request;
  const result = await run(
    'pki',
    [
      ['--scep', '--url', request.url],
      ['--in', request.keyFile],
      ['--dn', request.subject],
      subjectAltName === undefined ? [] : ['--san', subjectAltName],
      'keyFile' in proof ? ['--cert', proof.certificateFile, '--key', proof.keyFile] : passwordOption(proof.challenge),
      ['--cacert-enc', authority.registrationFile, '--cacert-sig', authority.registrationFile],
      ['--cacert', authority.issuingFile, '--cacert', authority.rootFile],
      ['--cipher', request.cipher, '--digest', request.digest],
      request.pollSeconds === undefined ? ['--maxpolltime', '5'] : ['--interval', String(request.pollSeconds)],
      ['--outform', 'pem'],
    ].flat(),
  );
  if (result.exitCode === 0) await writeFile(request.certificateFile, result.stdout);
  return result;
}

function passwordOption(challenge: string | undefined): string[] {
  return challenge === undefined ? [] : ['--password', challenge];
}
