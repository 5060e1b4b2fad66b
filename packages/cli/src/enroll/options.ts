import type { ContentCipher } from '@scepter/scep';
import { parseName } from '@scepter/x509';
import type { DigestName, GeneralName, Name } from '@scepter/x509';
import { usageError } from '../command-error.ts';
import type { KeyKind } from './identity.ts';

/** The names of `--cipher`. */
export const ciphers = {
  aes128: 'aes-128-cbc',
  aes192: 'aes-192-cbc',
  aes256: 'aes-256-cbc',
  des3: 'des-ede3-cbc',
} as const satisfies Record<string, ContentCipher>;

/** The values of `--digest`. */
export const digests = ['sha1', 'sha256', 'sha384', 'sha512'] as const satisfies DigestName[];

/** The values of `--key`. */
export const keyKinds = {
  rsa2048: { kind: 'rsa', bits: 2048 },
  rsa3072: { kind: 'rsa', bits: 3072 },
  rsa4096: { kind: 'rsa', bits: 4096 },
  p256: { kind: 'ec', curve: 'P-256' },
  p384: { kind: 'ec', curve: 'P-384' },
} as const satisfies Record<string, KeyKind>;

/** The longest that a command line waits for a person. */
const longestWaitMinutes = 7 * 24 * 60;

/**
 * Reads how many minutes to wait.
 *
 * @returns milliseconds
 * @throws CommandError when it is no number of minutes up to a week.
 */
export function parseWait(text: string): number {
  const minutes = /^\d{1,5}$/u.test(text) ? Number(text) : Number.NaN;
  if (!(minutes >= 1 && minutes <= longestWaitMinutes)) {
    throw usageError(`${JSON.stringify(text)} is no time to wait.`, 'Give whole minutes, from 1 to 10080 (a week).');
  }
  return minutes * 60_000;
}

const sanKinds = { DNS: 'dns', EMAIL: 'email', UPN: 'upn', URI: 'uri', IP: 'ip' } as const;

/**
 * Reads `DNS:printer.example`, `email:…`, `UPN:…`, `URI:…` or `IP:…`.
 *
 * @throws CommandError for anything else.
 */
export function parseAlternativeName(text: string): Extract<GeneralName, { value: string }> {
  const colon = text.indexOf(':');
  const kind = text.slice(0, Math.max(0, colon)).toUpperCase();
  const value = text.slice(colon + 1);
  if (!isSanKind(kind) || value === '') {
    throw usageError(
      `${JSON.stringify(text)} is not an alternative name.`,
      'Write the kind, a colon and the value: DNS:…, email:…, UPN:…, URI:… or IP:…',
    );
  }
  return { kind: sanKinds[kind], value };
}

function isSanKind(kind: string): kind is keyof typeof sanKinds {
  return Object.hasOwn(sanKinds, kind);
}

/**
 * Reads a subject such as `CN=printer-7,O=Contoso`.
 *
 * @throws CommandError when it is not RFC 4514 text.
 */
export function parseSubject(text: string): Name {
  try {
    return parseName(text);
  } catch (cause) {
    throw usageError(
      `${JSON.stringify(text)} is not a subject name${cause instanceof Error ? `: ${cause.message}` : ''}`,
      'Write it like CN=printer-7,O=Contoso, with a backslash before a comma inside a value.',
    );
  }
}

/**
 * Reads a SHA-256 fingerprint in any of its usual spellings.
 *
 * @returns 64 upper-case hexadecimal digits.
 */
export function parseFingerprint(text: string): string {
  const digits = text
    .replace(/^sha-?256[:=]/iu, '')
    .replaceAll(/[\s:]/gu, '')
    .toUpperCase();
  if (!/^[0-9A-F]{64}$/u.test(digits)) {
    throw usageError(
      'The CA fingerprint is not a SHA-256 fingerprint.',
      'It has 64 hexadecimal digits; colons and spaces between them do not matter.',
    );
  }
  return digits;
}

/** Reads an absolute http or https URL. */
export function parseServerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw usageError(`${JSON.stringify(text)} is not an http or https URL.`);
  }
  return text;
}
