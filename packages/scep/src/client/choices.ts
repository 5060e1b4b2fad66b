import type { DigestName } from '@scepter/x509';
import type { ContentCipher } from '../algorithms.ts';

// What a client uses, by what the server says it can do (RFC 8894 section 3.5.2). SCEPStandard stands for AES, POST and
// SHA-256. A server that says nothing is an old one.

export const chooseDigest = (capabilities: ReadonlySet<string>): DigestName => {
  if (capabilities.has('SHA-256') || capabilities.has('SCEPStandard')) return 'sha256';
  if (capabilities.has('SHA-512')) return 'sha512';
  return capabilities.has('SHA-384') ? 'sha384' : 'sha1';
};

/** AES-128 and triple DES are the two that there are capabilities for. */
export const chooseContentCipher = (capabilities: ReadonlySet<string>): ContentCipher =>
  capabilities.has('AES') || capabilities.has('SCEPStandard') ? 'aes-128-cbc' : 'des-ede3-cbc';

export const offersPost = (capabilities: ReadonlySet<string>): boolean =>
  capabilities.has('POSTPKIOperation') || capabilities.has('SCEPStandard');

/** RFC 8894 section 2.5: a server without the capability gets a PKCSReq that the old certificate signs. */
export const chooseRenewal = (capabilities: ReadonlySet<string>): 'PKCSReq' | 'RenewalReq' =>
  capabilities.has('Renewal') ? 'RenewalReq' : 'PKCSReq';
