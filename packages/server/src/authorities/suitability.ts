/**
 * Whether a CA can serve its clients. Windows asks for capabilities and certificates over and over, and never sends a
 * request, when no certificate is there that it may encrypt to; nothing else would show the reason.
 */
import { decodeBasicConstraints, decodeKeyUsage, findExtension, isValidAt, oid } from '@scepter/x509';
import type { Certificate, KeyUsage } from '@scepter/x509';
import type { CaCertificatesShape, ServedAuthority } from './authority-set.ts';

/** An endpoint, as far as its CA must fit it. */
export interface ServedEndpoint {
  readonly name: string;
  readonly caCertificates: CaCertificatesShape | undefined;
}

/** @returns the first thing that is wrong for good, as a sentence; undefined when nothing is */
export function unsuitability(
  { certificate, registration, decryptsItself }: ServedAuthority,
  endpoints: readonly ServedEndpoint[],
): string | undefined {
  const recipient = decryptsItself ? 'the issuing CA, which has no RA,' : 'the RA';
  const single = endpoints.find(({ caCertificates }) => caCertificates === 'single');
  const findings: readonly (readonly [isWrong: boolean, sentence: string])[] = [
    [!isCa(certificate), 'The certificate of the issuing CA is not that of a CA.'],
    [!hasUsages(certificate, ['keyCertSign', 'cRLSign']), 'The issuing CA may not sign certificates and CRLs.'],
    [registration.publicKey.key.kind !== 'rsa', `The key of ${recipient} cannot decrypt: it is not RSA.`],
    [
      !hasUsages(registration, ['digitalSignature', 'keyEncipherment']),
      `The certificate of ${recipient} lacks digitalSignature or keyEncipherment (RFC 8894 2.1.2).`,
    ],
    [
      single !== undefined && !decryptsItself,
      `The endpoint ${single?.name} gives out a single CA certificate, but messages are encrypted to an RA.`,
    ],
  ];
  return findings.find(([isWrong]) => isWrong)?.[1];
}

/** @returns which certificate is not valid at this time, as a sentence; undefined when all are */
export function invalidity({ certificate, registration }: ServedAuthority, now: Date): string | undefined {
  if (!isValidAt(certificate, now)) return 'The certificate of the issuing CA is not valid at this time.';
  if (!isValidAt(registration, now)) return 'The certificate of the RA is not valid at this time.';
  return undefined;
}

function isCa({ extensions }: Certificate): boolean {
  const constraints = findExtension(extensions, oid.basicConstraints);
  return constraints !== undefined && decodeBasicConstraints(constraints.value).ca;
}

function hasUsages({ extensions }: Certificate, wanted: readonly KeyUsage[]): boolean {
  const usage = findExtension(extensions, oid.keyUsage);
  const present = usage === undefined ? [] : decodeKeyUsage(usage.value);
  return wanted.every((each) => present.includes(each));
}
