/** A generation of the CA, as an administrator looks at it. */
import { urlOfGeneration } from '@scepter/ca';
import { formatName, thumbprint } from '@scepter/x509';
import type { Certificate, PublicKeyInfo } from '@scepter/x509';
import type { Store, StoredAuthority } from '../store/store.ts';
import type { ServedAuthority } from './authority-set.ts';

export interface AuthorityDescription {
  readonly generation: number;
  readonly state: StoredAuthority['state'];
  /** SHA-256, upper-case hex. */
  readonly fingerprint: string;
  /** SHA-1, upper-case hex: what Windows and Intune show. */
  readonly thumbprint: string;
  /** RFC 4514. */
  readonly subject: string;
  /** `RSA 2048`, `EC P-256`. */
  readonly key: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly addedAt: Date;
  readonly activatedAt: Date | undefined;
  readonly retiredAt: Date | undefined;
  /** The RA's certificate; undefined where messages are encrypted to the CA. */
  readonly registration: { readonly subject: string; readonly thumbprint: string; readonly notAfter: Date } | undefined;
  readonly crl: { readonly url: string; readonly number: string; readonly nextUpdate: Date } | undefined;
  /** When the last certificate ends that it issued to a device. */
  readonly lastCertificateEnd: Date | undefined;
}

/** @param publicUrl base of the URLs that go into certificates */
export async function describeAuthority(
  authority: ServedAuthority,
  { store, publicUrl }: { store: Pick<Store, 'latestCrl' | 'lastCertificateEnd'>; publicUrl: string },
): Promise<AuthorityDescription> {
  const { id, generation, state, stored, certificate, registration, decryptsItself } = authority;
  const crl = await store.latestCrl(id);
  return {
    generation,
    state,
    fingerprint: id,
    thumbprint: sha1Of(certificate),
    subject: formatName(certificate.subject),
    key: describeKey(certificate.publicKey),
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    addedAt: stored.addedAt,
    activatedAt: stored.activatedAt,
    retiredAt: stored.retiredAt,
    registration: decryptsItself
      ? undefined
      : {
          subject: formatName(registration.subject),
          thumbprint: sha1Of(registration),
          notAfter: registration.notAfter,
        },
    crl: crl && {
      url: urlOfGeneration(`${publicUrl}/crl/issuing.crl`, generation),
      number: String(crl.crlNumber),
      nextUpdate: crl.nextUpdate,
    },
    lastCertificateEnd: await store.lastCertificateEnd(id),
  };
}

function sha1Of({ encoded }: Certificate): string {
  return thumbprint(encoded, 'sha1');
}

function describeKey({ key, algorithm }: PublicKeyInfo): string {
  if (key.kind === 'rsa') return `RSA ${key.modulusBits}`;
  return key.kind === 'ec' ? `EC ${key.curve}` : algorithm;
}
