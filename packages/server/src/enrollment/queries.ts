/**
 * GetCert and GetCRL (RFC 8894 4.5, 4.6): for clients that have no better way to a certificate or a CRL. Whoever signs
 * such a message may ask: a certificate is no secret to those who know its serial number, and a CRL to nobody. They are no
 * part of a transaction, and clients use one identifier for all of them.
 *
 * What is not found and what could not be read get the same answer, so that an envelope that somebody else sealed cannot be
 * tried out on us.
 */
import { decodeCertificate, namesEqual } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import type { Store } from '../store/store.ts';
import type { OpenedQuery } from '../workers/jobs.ts';
import type { Endpoint } from './endpoint.ts';
import type { IssuingAuthorities } from './issuing-authorities.ts';
import { RefusalError } from './refusals.ts';

type CertificateNumber = NonNullable<OpenedQuery['certificate']>;

export interface QueryParts {
  readonly store: Pick<Store, 'findBySerialNumber' | 'latestCrl'>;
  readonly authorities: IssuingAuthorities;
}

/** A certificate that this endpoint has handed out. @throws RefusalError `query.unknown_certificate` */
export async function findCertificate(
  { certificate: query }: OpenedQuery,
  endpoint: Endpoint,
  { store }: QueryParts,
): Promise<{ readonly serialNumber: string; readonly certificate: Uint8Array }> {
  // Asked also for what could not be read: the answer takes the same time.
  const enrollment = await store.findBySerialNumber(query?.serialNumber ?? '');
  const { certificate, serialNumber, state, identity } = enrollment ?? {};
  const isOurs = state === 'released' && identity?.endpoint === endpoint.name;
  if (query === undefined || certificate === undefined || serialNumber === undefined || !isOurs) {
    throw new RefusalError('query.unknown_certificate', { reason: query === undefined ? 'unreadable' : state });
  }
  if (!namesEqual(query.issuer, decodeCertificate(certificate).issuer)) {
    throw new RefusalError('query.unknown_certificate', { reason: 'issuer' });
  }
  return { serialNumber, certificate };
}

/**
 * The newest CRL of the issuer that is named, or of the CA whose own certificate is named: that is how sscep asks.
 *
 * @throws RefusalError `query.unknown_authority`
 */
export async function findCrl(
  { certificate: query }: OpenedQuery,
  { authorities, store }: QueryParts,
): Promise<Uint8Array> {
  const authority =
    query === undefined ? undefined : authorities.all.find(({ certificate }) => asksForCrlOf(certificate, query));
  const crl = authority === undefined ? undefined : await store.latestCrl(authority.id);
  if (crl === undefined) {
    throw new RefusalError('query.unknown_authority', query === undefined ? { reason: 'unreadable' } : {});
  }
  return crl.encoded;
}

function asksForCrlOf(authority: Certificate, { issuer, serialNumber }: CertificateNumber): boolean {
  return (
    namesEqual(issuer, authority.subject) ||
    (serialNumber === authority.serialHex && namesEqual(issuer, authority.issuer))
  );
}
