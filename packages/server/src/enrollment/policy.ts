/**
 * Step 5: an ordered list of named, pure checks. Each looks at one thing and gives its part of the certificate's contents
 * or a refusal. Nothing of the request is copied that a check has not let through.
 */
import { checkPublicKey, validityPeriod } from '@scepter/ca';
import type { CertificateContents, CertificateProfile } from '@scepter/ca';
import { decodeExtendedKeyUsage, decodeKeyUsage, findExtension, oid } from '@scepter/x509';
import type { Certificate, PublicKeyInfo } from '@scepter/x509';
import { subjectAltNamesOf } from './authorize.ts';
import type { AuthorizedRequest } from './authorize.ts';
import { RefusalError } from './refusals.ts';
import type { RefusalCode } from './refusals.ts';

export interface PolicyContext {
  readonly profile: CertificateProfile;
  readonly issuer: Certificate;
  readonly now: Date;
  /** Keys of the CA and the RA: nobody else may have them certified. */
  readonly forbiddenKeys: readonly PublicKeyInfo[];
}

/** As much of a request as its policy is about. */
type CheckedRequest = Pick<AuthorizedRequest, 'certificationRequest' | 'predecessor'>;

type Check<Part extends keyof CertificateContents> = (
  request: CheckedRequest,
  context: PolicyContext,
) => Pick<CertificateContents, Part>;

/** The order is that of cost and of what an operator wants to hear first. */
export function checkPolicy(request: CheckedRequest, context: PolicyContext): CertificateContents {
  return {
    ...publicKeyIsSound(request, context),
    ...subjectIsNamed(request, context),
    ...subjectAltNamesArePermitted(request, context),
    ...keyUsagesArePermitted(request, context),
    ...extendedKeyUsagesArePermitted(request, context),
    ...validityFits(request, context),
  };
}

export const publicKeyIsSound: Check<'publicKey'> = (
  { certificationRequest: { publicKey } },
  { profile, forbiddenKeys },
) => {
  const problem = checkPublicKey(publicKey, profile, forbiddenKeys);
  if (problem !== undefined) throw new RefusalError('policy.public_key', { reason: problem.code });
  return { publicKey };
};

export const subjectIsNamed: Check<'subject'> = (
  { certificationRequest: { subject, subjectAltNames } },
  { profile },
) => {
  const empty = subject.rdns.length === 0;
  if (empty && (profile.requireSubject || subjectAltNames.length === 0))
    throw new RefusalError('policy.subject_missing');
  return { subject };
};

/**
 * A name of another kind is refused, not dropped: the device would get a certificate that does not name it. A renewal that
 * says nothing of alternative names keeps those it has.
 */
export const subjectAltNamesArePermitted: Check<'subjectAltNames'> = (
  { certificationRequest, predecessor },
  { profile },
) => {
  const saysNothing = findExtension(certificationRequest.extensions, oid.subjectAltName) === undefined;
  const subjectAltNames =
    saysNothing && predecessor !== undefined ? subjectAltNamesOf(predecessor) : certificationRequest.subjectAltNames;
  const kinds: readonly string[] = profile.subjectAltNameKinds;
  const foreign = subjectAltNames.find((name) => !kinds.includes(name.kind));
  if (foreign !== undefined) throw new RefusalError('policy.subject_alternative_name', { reason: foreign.kind });
  return { subjectAltNames };
};

/** What is asked for beyond the profile is left out; if nothing remains, the request is refused: empty means "any". */
export const keyUsagesArePermitted: Check<'keyUsages'> = ({ certificationRequest }, { profile }) => {
  const requested = requestedExtension(certificationRequest, oid.keyUsage, decodeKeyUsage, 'policy.key_usage');
  if (requested === undefined) return { keyUsages: profile.defaultKeyUsages };
  const keyUsages = requested.filter((usage) => profile.keyUsages.includes(usage));
  if (keyUsages.length === 0) throw new RefusalError('policy.key_usage');
  return { keyUsages };
};

/** Likewise; and a renewal gets nothing that its predecessor did not have. */
export const extendedKeyUsagesArePermitted: Check<'extendedKeyUsages'> = (
  { certificationRequest, predecessor },
  { profile },
) => {
  const usagesOf = (from: Pick<Certificate, 'extensions'>): string[] | undefined =>
    requestedExtension(from, oid.extendedKeyUsage, decodeExtendedKeyUsage, 'policy.extended_key_usage');
  const held = predecessor === undefined ? undefined : usagesOf(predecessor);
  const requested = usagesOf(certificationRequest);
  const wanted = requested ?? held ?? profile.defaultExtendedKeyUsages;
  const extendedKeyUsages = wanted.filter(
    (usage) => profile.extendedKeyUsages.includes(usage) && (held === undefined || held.includes(usage)),
  );
  if (extendedKeyUsages.length === 0) throw new RefusalError('policy.extended_key_usage');
  return { extendedKeyUsages };
};

export const validityFits: Check<'notBefore' | 'notAfter'> = (_request, { profile, issuer, now }) => {
  const period = validityPeriod(profile, issuer, now);
  if (period.notAfter <= now) throw new RefusalError('policy.validity');
  return period;
};

/** @throws RefusalError with `refusal` when the extension is there and cannot be read. */
function requestedExtension<Value>(
  from: Pick<Certificate, 'extensions'>,
  extensionOid: string,
  decode: (value: Uint8Array) => Value,
  refusal: RefusalCode,
): Value | undefined {
  const extension = findExtension(from.extensions, extensionOid);
  if (extension === undefined) return undefined;
  try {
    return decode(extension.value);
  } catch (cause) {
    throw new RefusalError(refusal, { reason: 'malformed', cause });
  }
}
