/* Subject public key (RFC 5280 4.1.2.7). The full checks of the key belong to policy; these two must hold at the end. */
import { curveAllowed } from '../public-key/ec-checks.ts';
import { notForbidden } from '../public-key/forbidden-keys.ts';
import { modulusSize } from '../public-key/rsa-checks.ts';
import type { Lint } from './lint-tbs-certificate.ts';

export const keyLints: readonly Lint[] = [
  {
    name: 'public_key_outside_profile',
    check: ({ publicKey }, { profile }) => {
      if (publicKey.key.kind === 'unknown') return `The key type ${publicKey.algorithm} is unknown.`;
      return (modulusSize(publicKey, profile, []) ?? curveAllowed(publicKey, profile, []))?.message;
    },
  },
  {
    name: 'public_key_is_issuers',
    check: ({ publicKey }, { issuer, profile }) =>
      notForbidden(publicKey, profile, [issuer.publicKey]) && "The public key is the issuer's own.",
  },
];
