import { checkText } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import type { RevocationRequest } from './revocation-request.ts';
import { canonicalSerialNumber, serialNumberCandidates, type SerialNumberNotation } from './serial-number.ts';

/** What a certificate of the CA must tell so that revocation requests find it; it may have any other members. */
export interface RevocableCertificate {
  /** The number, or its hex in any case, with or without separators and leading zeros. */
  readonly serialNumber: string | bigint;
  /** The CA as Intune was told in `notifySuccess` (`issuingCertificateAuthority`). */
  readonly issuerName?: string | undefined;
  /** As Intune was told in `notifySuccess`. */
  readonly caConfiguration?: string | undefined;
}

/** The certificate that a request means, or why none can be named. */
export type RevocationMatch<C> =
  | { readonly request: RevocationRequest; readonly certificate: C }
  | {
      readonly request: RevocationRequest;
      /**
       * `unknown`: no certificate has this serial number; the answer is `CertificateNotFoundError`.
       * `ambiguous`: it may mean several, or the only one is by another issuer that may have used the same number;
       * somebody has to look.
       */
      readonly problem: 'unknown' | 'ambiguous';
    };

/** How to read the serial numbers of revocation requests. */
export interface MatchRevocationRequestsOptions {
  /** What serial numbers of decimal digits alone are. Default: `any`, which reads them both ways. */
  readonly notation?: SerialNumberNotation;
}

/**
 * Finds the certificates that revocation requests mean, whatever the notation of the serial numbers. Revoking the
 * wrong certificate is worse than asking: where two fit and the issuer does not decide, the request is `ambiguous`.
 *
 * A text of decimal digits alone is read as hex and as decimal. A CA with short, sequential serial numbers should say
 * which of the two it has reported (`notation`), and the `issuerName` of its certificates: Intune hands out the requests
 * for all CAs of the tenant, and others count as well.
 *
 * @param certificates those that may be meant: all, or what a database has under `serialNumberCandidates`
 * @returns one match for each request, in the same order
 * @throws {IntuneArgumentError} when a certificate's serial number is not a number, or there is no such notation
 *
 * @example
 * ```ts
 * for (const match of matchRevocationRequests(requests, certificates)) {
 *   if ('certificate' in match) await ca.revoke(match.certificate);
 * }
 * ```
 */
export function matchRevocationRequests<C extends RevocableCertificate>(
  requests: readonly RevocationRequest[],
  certificates: Iterable<C>,
  options: MatchRevocationRequestsOptions = {},
): RevocationMatch<C>[] {
  const bySerialNumber = indexBySerialNumber(certificates);
  return requests.map((request) => {
    const candidates = serialNumberCandidates(request.serialNumber, options.notation);
    const found = candidates.flatMap((candidate) => bySerialNumber.get(candidate) ?? []);
    return choose(request, found, candidates.length > 1);
  });
}

function indexBySerialNumber<C extends RevocableCertificate>(certificates: Iterable<C>): Map<string, C[]> {
  const index = new Map<string, C[]>();
  let position = 0;
  for (const certificate of certificates) {
    const key = serialNumberKey(certificate.serialNumber, position);
    const others = index.get(key);
    if (others === undefined) {
      index.set(key, [certificate]);
    } else {
      others.push(certificate);
    }
    position += 1;
  }
  return index;
}

function serialNumberKey(value: unknown, position: number): string {
  const argument = `certificates[${position}].serialNumber`;
  const serialNumber = typeof value === 'bigint' ? value : checkText(argument, value, { maximumLength: 256 });
  const canonical = canonicalSerialNumber(serialNumber);
  if (canonical === undefined) {
    throw new IntuneArgumentError(argument, 'must be a bigint or hex digits, at most 32 octets');
  }
  return canonical;
}

function choose<C extends RevocableCertificate>(
  request: RevocationRequest,
  found: readonly C[],
  mayMeanAnother: boolean,
): RevocationMatch<C> {
  const [first] = found;
  if (first === undefined) {
    return { request, problem: 'unknown' };
  }
  if (found.length === 1) {
    // The certificate that was meant may be missing here, and this one only have its digits in the other notation, or
    // its number under another CA. A long number is one certificate's, however its issuer is written.
    const isDoubtful = (mayMeanAnother || isShort(first)) && compareNames(request, first) === 'different';
    return isDoubtful ? { request, problem: 'ambiguous' } : { request, certificate: first };
  }
  const ofSameCa = found.filter((certificate) => compareNames(request, certificate) === 'same');
  const [only] = ofSameCa;
  return only !== undefined && ofSameCa.length === 1
    ? { request, certificate: only }
    : { request, problem: 'ambiguous' };
}

/** Numbers up to 6 octets may have been counted; random ones have 8 and more (CA/Browser Forum, BR 7.1). */
function isShort({ serialNumber }: RevocableCertificate): boolean {
  return (canonicalSerialNumber(serialNumber)?.length ?? 0) <= 12;
}

/** Whether both name the same CA; `unsaid` where there is nothing to compare. */
function compareNames(request: RevocationRequest, certificate: RevocableCertificate): 'same' | 'different' | 'unsaid' {
  const pairs: [string, string][] = [
    [request.issuerName, certificate.issuerName ?? ''],
    [request.caConfiguration, certificate.caConfiguration ?? ''],
  ];
  const comparable = pairs.filter((pair) => pair.every((name) => name.trim() !== ''));
  if (comparable.length === 0) {
    return 'unsaid';
  }
  return comparable.every(([asked, known]) => nameKey(asked) === nameKey(known)) ? 'same' : 'different';
}

/** Distinguished names are written with and without blanks around their commas, and in either case. */
function nameKey(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([,;+=]) ?/g, '$1');
}
