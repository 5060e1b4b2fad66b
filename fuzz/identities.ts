/**
 * Keys and certificates that fuzzing stands on: fixed, because the recorded messages are encrypted to them, and worth
 * nothing, because they are published here. Keys of 1024 bits are for speed.
 */
import { decodeCertificate, decodePem } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface Identity {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

/**
 * `authority` issued the others, but for the two that follow. `recorder` decrypts and signs for clients that were
 * recorded, `registration` for messages made here; `earlier` is the one of `packages/scep/test/vectors`, `openssl` that
 * of the envelopes that OpenSSL made. Devices are self-signed; `renewing` has a certificate of the authority, and
 * `enrolling` a key that is long enough to get one.
 */
export const identityNames = [
  'authority',
  'recorder',
  'registration',
  'earlier',
  'openssl',
  'device',
  'ecDevice',
  'renewing',
  'enrolling',
] as const;
export type IdentityName = (typeof identityNames)[number];
export type Identities = Readonly<Record<IdentityName, Identity>>;

export const identitiesFile = new URL('identities.json', import.meta.url);

export function readIdentities(): Identities {
  const stored = JSON.parse(readFileSync(identitiesFile, 'utf8')) as Record<
    IdentityName,
    { certificate: string; privateKey: string }
  >;
  const read = (name: IdentityName): Identity => {
    const { certificate, privateKey } = stored[name];
    const [block] = decodePem(certificate);
    if (block === undefined) throw new Error(`The identity ${name} has no certificate.`);
    return { certificate: decodeCertificate(block.bytes, { rules: 'ber' }), privateKey: createPrivateKey(privateKey) };
  };
  return Object.fromEntries(identityNames.map((name) => [name, read(name)])) as unknown as Identities;
}

/** The challenge in every request of the corpus. */
export const CHALLENGE = 'fuzzing is no secret';
