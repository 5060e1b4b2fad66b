import type { PlatformHabits } from './habits.ts';
import { subjectNamedSigner } from './subject-named-signer.ts';

/** iPhone and iPad. */
export const ios: PlatformHabits = appleHabits('profiled/1.0 CFNetwork/1568.200.51 Darwin/24.1.0');

/** Mac. */
export const macos: PlatformHabits = appleHabits('mdmclient/1.0 CFNetwork/1568.200.51 Darwin/24.1.0');

/**
 * Apple's clients share one SCEP implementation: indefinite lengths, no word of the validity period in the request,
 * and an error (22008) when the reply carries anything beside the issued certificate.
 */
function appleHabits(userAgent: string): PlatformHabits {
  return {
    userAgent,
    caIdentifier: '',
    pathSuffix: '',
    contentType: 'application/x-pki-message',
    framing: 'ber',
    keyTransport: { kind: 'pkcs1' },
    triesEveryUrl: false,
    extraCertificatesError: 22_008,
    signerCertificate: subjectNamedSigner,
    requestAttributes: () => [],
    escapeQuery: escapeOnlyPadding,
  };
}

/** In a GET PKIOperation Apple escapes the base64 padding and leaves `+` and `/` as they are. */
function escapeOnlyPadding(url: string): string {
  return url.replaceAll(/%2B/gi, '+').replaceAll(/%2F/gi, '/');
}
