import { certificationPath, equalBytes, thumbprint } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { CommandError } from '../command-error.ts';

/** What GetCACert gave, as far as trust is concerned. */
export interface OfferedAuthority {
  readonly certificates: readonly Certificate[];
  readonly ca: Certificate;
  /** Decrypts the request. */
  readonly recipient: Certificate;
  /** May sign replies. */
  readonly signers: readonly Certificate[];
}

/**
 * Checks a server's certificates against the fingerprint the person was given (RFC 8894 2.2 and 7.1): the pinned
 * certificate must be among them, and whatever decrypts requests or signs replies must descend from it.
 *
 * @param fingerprint SHA-256, upper-case hexadecimal.
 * @throws CommandError when the pin does not hold; nothing has been sent to the server then.
 */
export function requirePinned(authority: OfferedAuthority, fingerprint: string, now: Date): Certificate {
  const pinned = authority.certificates.find(
    (certificate) => thumbprint(certificate.encoded, 'sha256') === fingerprint,
  );
  if (pinned === undefined) {
    throw new CommandError("None of the server's certificates has the expected fingerprint; nothing was sent to it.", {
      hint: `Its CA certificate has ${thumbprint(authority.ca.encoded, 'sha256')}. If that is not the CA you mean, somebody is in between.`,
    });
  }
  for (const certificate of [authority.recipient, ...authority.signers]) {
    if (descendsFrom(certificate, pinned, authority.certificates, now)) continue;
    throw new CommandError('A certificate of the server was not issued by the pinned CA; nothing was sent to it.', {
      hint: 'Ask the CA’s administrator; somebody may be in between.',
    });
  }
  return pinned;
}

/**
 * Checks that the pinned certificate is among those that stand above the issued one.
 *
 * @throws CommandError when it is not.
 */
export function requireIssuedUnder(pinned: Certificate, issuers: readonly Certificate[]): void {
  if (issuers.some((issuer) => equalBytes(issuer.encoded, pinned.encoded))) return;
  throw new CommandError('The certificate was not issued under the pinned CA; it was not written.', {
    hint: 'Ask the CA’s administrator which CA issues at this URL.',
  });
}

/** Whether the certificate is `ancestor` or was issued under it by way of the `others`. */
function descendsFrom(
  certificate: Certificate,
  ancestor: Certificate,
  others: readonly Certificate[],
  now: Date,
): boolean {
  if (equalBytes(certificate.encoded, ancestor.encoded)) return true;
  return certificationPath(certificate, others, [ancestor], now) !== undefined;
}
