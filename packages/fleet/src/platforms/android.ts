import type { PlatformHabits } from './habits.ts';
import { validityAttribute } from './name-value-pairs.ts';
import { subjectNamedSigner } from './subject-named-signer.ts';

/**
 * Android with a Company Portal whose SCEP client is a Java library on Bouncy Castle: indefinite lengths, a POST
 * that does not name the SCEP content type, and the validity period with its two values swapped.
 */
export const android: PlatformHabits = {
  userAgent: 'Dalvik/2.1.0 (Linux; U; Android 15; Pixel 8 Build/AP4A.250105.002)',
  caIdentifier: '',
  pathSuffix: '',
  contentType: 'application/octet-stream',
  framing: 'ber',
  keyTransport: { kind: 'pkcs1' },
  triesEveryUrl: false,
  extraCertificatesError: undefined,
  signerCertificate: subjectNamedSigner,
  requestAttributes: ({ profile }) => [validityAttribute(profile.validityPeriod, 'swapped')],
  escapeQuery: (url) => url,
};
