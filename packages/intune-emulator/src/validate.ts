/**
 * What Intune checks before a SCEP server may issue: first that the request and its challenge can be read and were
 * minted here, then the ordered list {@link checks}. The first that fails gives the result code.
 */
import {
  decodeCertificationRequest,
  decodeExtendedKeyUsage,
  decodeKeyUsage,
  findExtension,
  formatName,
  namesEqual,
  oid,
  parseName,
  verifyCertificationRequest,
  type CertificationRequest,
  type GeneralName,
  type Name,
} from '@scepter/x509';
import { challengeLifetimeMinutes, type ChallengeAuthority, type ChallengeExpectation } from './challenge.ts';
import { decodeBase64 } from './identifiers.ts';
import type { SubjectAlternativeName, SubjectAlternativeNameType } from './model.ts';
import { ScepRejection } from './result-codes.ts';
import type { EmulatorRecords } from './state.ts';

/** A request with a challenge that this emulator has minted. */
export interface ChallengedRequest {
  readonly request: CertificationRequest;
  readonly expected: ChallengeExpectation;
}

/**
 * Reads a PKCS#10 request and opens the challenge in it.
 *
 * @param certificateRequest base64 DER
 * @throws ScepRejection `CertificateRequestDecodingFailed`, `ChallengePasswordMissing`, and those of
 *   {@link ChallengeAuthority.open}
 */
export function readChallengedRequest(certificateRequest: string, challenges: ChallengeAuthority): ChallengedRequest {
  const request = decodeRequest(certificateRequest);
  if (!verifyCertificationRequest(request)) {
    const description = 'The signature of the certificate request does not match its public key.';
    throw new ScepRejection('CertificateRequestDecodingFailed', description);
  }
  if (!request.challengePassword) {
    throw new ScepRejection('ChallengePasswordMissing', 'The certificate request has no challenge password.');
  }
  return { request, expected: challenges.open(request.challengePassword) };
}

function decodeRequest(certificateRequest: string): CertificationRequest {
  const bytes = decodeBase64(certificateRequest);
  if (bytes === undefined) {
    throw new ScepRejection('CertificateRequestDecodingFailed', 'The certificate request is not base64.');
  }
  try {
    return decodeCertificationRequest(bytes);
  } catch {
    throw new ScepRejection('CertificateRequestDecodingFailed', 'The certificate request is not a PKCS#10 request.');
  }
}

/** What the checks look at. */
export interface ValidationSubject extends ChallengedRequest {
  readonly records: EmulatorRecords;
  readonly now: Date;
}

type Check = (subject: ValidationSubject) => ScepRejection | undefined;

/** Runs the checks in order. Returns the rejection of the first that fails, or undefined when all pass. */
export function validate(subject: ValidationSubject): ScepRejection | undefined {
  for (const check of checks) {
    const rejection = check(subject);
    if (rejection !== undefined) return rejection;
  }
  return undefined;
}

/** How far ahead of this clock a challenge may have been created. */
const clockSkewMs = 5 * 60 * 1000;

const timestampsMakeSense: Check = ({ expected, now }) => {
  const created = Date.parse(expected.created);
  const expires = Date.parse(expected.expires);
  // Not-a-number fails the comparison too.
  if (created <= now.getTime() + clockSkewMs && expires >= created) return undefined;
  return new ScepRejection('ChallengeInvalidTimestamp', 'The timestamps of the SCEP challenge are invalid.');
};

const challengeHasNotExpired: Check = ({ expected, now }) => {
  if (now.getTime() < Date.parse(expected.expires)) return undefined;
  return new ScepRejection(
    'ChallengeExpired',
    `SCEP challenge has expired.SCEP Challenge has expired. challengeExpInterval=${challengeLifetimeMinutes}, ` +
      `challengeExpiration=${microsoftTime(expected.expires)}, challengeCreation=${microsoftTime(expected.created)}`,
  );
};

const requestIdIsKnown: Check = ({ expected: { certificateRequestId, target }, records }) => {
  if (target.kind === 'unbound') return undefined;
  const known = records.certificateState(certificateRequestId);
  if (known?.deviceId === target.deviceId && known.profileId === target.profileId) return undefined;
  return new ScepRejection('BadCertificateRequestIdInChallenge', 'The challenge names an unknown certificate request.');
};

const deviceIsKnown: Check = ({ expected: { target }, records }) => {
  if (target.kind === 'unbound' || records.device(target.deviceId) !== undefined) return undefined;
  return new ScepRejection('BadDeviceIdInChallenge', 'The challenge names a device that is not enrolled.');
};

const userIsKnown: Check = ({ expected: { target }, records }) => {
  if (target.kind === 'unbound' || records.device(target.deviceId)?.user.id === target.userId) return undefined;
  return new ScepRejection('BadUserIdInChallenge', 'The challenge names a user who is not the user of the device.');
};

const profileTargetsDevice: Check = ({ expected: { target }, records }) => {
  if (target.kind === 'unbound' || records.isAssigned(target)) return undefined;
  return new ScepRejection(
    'ScepProfileNoLongerTargetedToTheClient',
    'The SCEP profile is no longer targeted to the client.',
  );
};

const subjectMatches: Check = ({ request: { subject }, expected }) => {
  const wanted = parseName(expected.subject);
  if (subject.rdns.length === 0 && wanted.rdns.length > 0) {
    return new ScepRejection('SubjectNameMissing', `The request has no subject name; expected ${expected.subject}`);
  }
  if (namesEqual(subject, wanted) || namesEqual(inReverse(subject), wanted)) return undefined;
  return mismatch('SubjectNameMismatch', 'subject name', expected.subject, formatName(subject));
};

const subjectAlternativeNamesMatch: Check = ({ request: { subjectAltNames }, expected }) => {
  const wanted = expected.subjectAlternativeNames.map(({ sanType, value }) => comparable(sanType, value));
  const found = subjectAltNames.map(comparableGeneralName);
  if (sameMembers(found, wanted)) return undefined;
  const wantedText = wanted.join(', ') || 'none';
  if (found.length === 0) {
    const description = `The request has no subject alternative name; expected ${wantedText}`;
    return new ScepRejection('SubjectAltNameMissing', description);
  }
  return mismatch('SubjectAltNameMismatch', 'subject alternative names', wantedText, found.join(', '));
};

const keyUsageMatches: Check = ({ request, expected: { keyUsage } }) => {
  if (keyUsage === undefined) return undefined;
  const found = readExtension(request, oid.keyUsage, decodeKeyUsage) ?? [];
  if (sameMembers(found, keyUsage)) return undefined;
  return mismatch('KeyUsageMismatch', 'key usage', keyUsage.join(', '), found.join(', ') || 'none');
};

const keyLengthMatches: Check = ({ request: { publicKey }, expected: { keySize } }) => {
  const { key } = publicKey;
  if (keySize === undefined || (key.kind === 'rsa' && key.modulusBits === keySize)) return undefined;
  const found = key.kind === 'rsa' ? `RSA ${key.modulusBits}` : key.kind === 'ec' ? key.curve : 'an unknown key';
  return mismatch('KeyLengthMismatch', 'key', `RSA ${keySize}`, found);
};

const extendedKeyUsageMatches: Check = ({ request, expected: { extendedKeyUsages } }) => {
  if (extendedKeyUsages === undefined) return undefined;
  const found = readExtension(request, oid.extendedKeyUsage, decodeExtendedKeyUsage) ?? [];
  if (sameMembers(found, extendedKeyUsages)) return undefined;
  const wanted = extendedKeyUsages.join(', ') || 'none';
  if (found.length === 0) {
    const description = `The request has no extended key usage; expected ${wanted}`;
    return new ScepRejection('EnhancedKeyUsageMissing', description);
  }
  return mismatch('EnhancedKeyUsageMismatch', 'extended key usage', wanted, found.join(', '));
};

/** In the order in which they are made. */
const checks: readonly Check[] = [
  timestampsMakeSense,
  challengeHasNotExpired,
  requestIdIsKnown,
  deviceIsKnown,
  userIsKnown,
  profileTargetsDevice,
  subjectMatches,
  subjectAlternativeNamesMatch,
  keyUsageMatches,
  keyLengthMatches,
  extendedKeyUsageMatches,
];

function mismatch(
  code:
    | 'SubjectNameMismatch'
    | 'SubjectAltNameMismatch'
    | 'KeyUsageMismatch'
    | 'KeyLengthMismatch'
    | 'EnhancedKeyUsageMismatch',
  what: string,
  expected: string,
  found: string,
): ScepRejection {
  return new ScepRejection(code, `The ${what} of the request does not match. Expected: ${expected}. Found: ${found}.`);
}

/** Platforms disagree on which end of `CN=a,O=b` comes first in the encoding. */
function inReverse(name: Name): Name {
  return { ...name, rdns: name.rdns.toReversed() };
}

const generalNameKinds: Readonly<Record<SubjectAlternativeNameType, GeneralName['kind']>> = {
  emailAddress: 'email',
  userPrincipalName: 'upn',
  domainNameService: 'dns',
  universalResourceIdentifier: 'uri',
};

/** URIs carry case; mailboxes, principals and host names do not, the way Entra compares them. */
function comparable(sanType: SubjectAlternativeName['sanType'], value: string): string {
  const kind = generalNameKinds[sanType];
  return `${kind}:${kind === 'uri' ? value : value.toLowerCase()}`;
}

function comparableGeneralName(name: GeneralName): string {
  switch (name.kind) {
    case 'email':
    case 'upn':
    case 'dns':
      return `${name.kind}:${name.value.toLowerCase()}`;
    case 'uri':
    case 'ip':
    case 'registeredId':
      return `${name.kind}:${name.value}`;
    default:
      // No profile can ask for the other kinds, so that the kind alone is a mismatch.
      return name.kind;
  }
}

function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  const members = new Set(left);
  return new Set(right).size === members.size && right.every((member) => members.has(member));
}

/** The extension's value; one that cannot be decoded counts as absent. */
function readExtension<T>(request: CertificationRequest, id: string, decode: (value: Uint8Array) => T): T | undefined {
  const extension = findExtension(request.extensions, id);
  if (extension === undefined) return undefined;
  try {
    return decode(extension.value);
  } catch {
    return undefined;
  }
}

/** `10/21/2024 09:55:33`, as Intune's messages give times (UTC). */
function microsoftTime(isoTime: string): string {
  const [date = '', time = ''] = new Date(isoTime).toISOString().split('T');
  const [year = '', month = '', day = ''] = date.split('-');
  return `${month}/${day}/${year} ${time.slice(0, 8)}`;
}
