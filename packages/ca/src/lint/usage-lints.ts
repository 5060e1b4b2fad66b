/* Key usage and extended key usage (RFC 5280 4.2.1.3, 4.2.1.12; RFC 5480 3). */
import { decodeExtendedKeyUsage, decodeKeyUsage, findExtension, oid } from '@scepter/x509';
import type { KeyUsage } from '@scepter/x509';
import { CA_KEY_USAGES, FORBIDDEN_EXTENDED_KEY_USAGES } from '../certificate-profile.ts';
import type { Lint } from './lint-tbs-certificate.ts';
import type { TbsCertificate } from './tbs-certificate.ts';

const RSA_USAGES: readonly KeyUsage[] = ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment'];
const EC_USAGES: readonly KeyUsage[] = [
  'digitalSignature',
  'nonRepudiation',
  'keyAgreement',
  'encipherOnly',
  'decipherOnly',
];

export const usageLints: readonly Lint[] = [
  {
    name: 'key_usage_missing',
    check: (certificate) => (keyUsages(certificate).length > 0 ? undefined : 'There is no key usage.'),
  },
  {
    name: 'key_usage_not_critical',
    check: ({ extensions }) =>
      findExtension(extensions, oid.keyUsage)?.critical === false ? 'The key usage is not critical.' : undefined,
  },
  {
    name: 'key_usage_of_ca',
    check: (certificate) =>
      firstOf(keyUsages(certificate), (usage) => CA_KEY_USAGES.includes(usage), 'is for CAs only'),
  },
  {
    name: 'key_usage_outside_profile',
    check: (certificate, { profile }) =>
      firstOf(keyUsages(certificate), (usage) => !profile.keyUsages.includes(usage), 'is not in the profile'),
  },
  {
    name: 'key_usage_unfit_for_key',
    check: (certificate) => {
      const fit = certificate.publicKey.key.kind === 'ec' ? EC_USAGES : RSA_USAGES;
      const usages = keyUsages(certificate).filter((usage) => !CA_KEY_USAGES.includes(usage));
      return firstOf(usages, (usage) => !fit.includes(usage), 'is not possible with this type of key');
    },
  },
  {
    // An absent or empty extended key usage means "any purpose" to most verifiers.
    name: 'extended_key_usage_missing',
    check: (certificate) => (extendedKeyUsages(certificate).length > 0 ? undefined : 'There is no extended key usage.'),
  },
  {
    name: 'extended_key_usage_forbidden',
    check: (certificate) =>
      firstOf(
        extendedKeyUsages(certificate),
        (usage) => FORBIDDEN_EXTENDED_KEY_USAGES.includes(usage),
        'would let the holder act for the CA, or as anything',
      ),
  },
  {
    name: 'extended_key_usage_outside_profile',
    check: (certificate, { profile }) =>
      firstOf(
        extendedKeyUsages(certificate),
        (usage) => !profile.extendedKeyUsages.includes(usage),
        'is not in the profile',
      ),
  },
];

function keyUsages({ extensions }: TbsCertificate): readonly KeyUsage[] {
  const extension = findExtension(extensions, oid.keyUsage);
  return extension === undefined ? [] : decodeKeyUsage(extension.value);
}

function extendedKeyUsages({ extensions }: TbsCertificate): readonly string[] {
  const extension = findExtension(extensions, oid.extendedKeyUsage);
  return extension === undefined ? [] : decodeExtendedKeyUsage(extension.value);
}

function firstOf<Item extends string>(
  items: readonly Item[],
  isBad: (item: Item) => boolean,
  trouble: string,
): string | undefined {
  const bad = items.find((item) => isBad(item));
  return bad && `The usage ${bad} ${trouble}.`;
}
