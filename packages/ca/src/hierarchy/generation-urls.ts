/* Where the CRL and the certificate of one generation of the issuing CA are found. */
import type { CertificateProfile } from '../certificate-profile.ts';

/**
 * The URL of a generation, made from the first one's: a number before the file's ending. Each issuing CA signs a CRL of
 * its own (RFC 5280 6.3.3), so that two of them must not point to one file.
 *
 * @example
 * urlOfGeneration('http://pki.example/crl/issuing.crl', 2); // http://pki.example/crl/issuing-2.crl
 */
export function urlOfGeneration(url: string, generation: number): string {
  if (generation === 1) return url;
  const { origin, pathname } = new URL(url);
  const nameAt = pathname.lastIndexOf('/') + 1;
  const name = pathname.slice(nameAt);
  const endingAt = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length;
  const numbered = `${name.slice(0, endingAt) || 'issuing'}-${generation}${name.slice(endingAt)}`;
  return `${origin}${pathname.slice(0, nameAt)}${numbered}`;
}

/** The profile with the URLs of the generation that issues. */
export function profileOfGeneration(profile: CertificateProfile, generation: number): CertificateProfile {
  const urls = (ofFirst: readonly string[]): string[] => ofFirst.map((url) => urlOfGeneration(url, generation));
  return { ...profile, crlUrls: urls(profile.crlUrls), caIssuerUrls: urls(profile.caIssuerUrls) };
}
