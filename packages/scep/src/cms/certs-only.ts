import { der } from '@scepter/x509';
import { decoding } from '../errors.ts';
import { cmsOid } from '../object-identifiers.ts';
import { encodeContentInfo } from './content-info.ts';
import { framings } from './framing.ts';
import { decodeSignedData } from './signed-data.ts';

// RFC 8894 section 3.4: the degenerate "certificates-only" SignedData, without content and without signers.

/** What a degenerate SignedData carries: whole DER encodings, in the sender's order. */
export interface CertsOnly {
  certificates: Uint8Array[];
  crls: Uint8Array[];
}

/**
 * Encodes certificates and CRLs as a degenerate SignedData.
 *
 * @param certificates - DER, in the order to be kept: a reply's own certificate first. DER would sort a SET OF, but
 *   clients take the first certificate for the issued one.
 * @example
 * const body = encodeCertsOnly([registrationAuthority.encoded, issuingCa.encoded]);
 */
export const encodeCertsOnly = (certificates: readonly Uint8Array[], crls: readonly Uint8Array[] = []): Uint8Array => {
  const signedData = der.sequence(
    der.integer(1),
    der.set(),
    der.sequence(der.oid(cmsOid.data)),
    ...(certificates.length > 0 ? [der.implicitConstructed(0, ...certificates)] : []),
    ...(crls.length > 0 ? [der.implicitConstructed(1, ...crls)] : []),
    der.set(),
  );
  return encodeContentInfo(framings.der, cmsOid.signedData, signedData);
};

/**
 * Decodes a degenerate SignedData, DER or BER.
 *
 * @throws ScepError `scep.undecodable_certificates`
 */
export const decodeCertsOnly = (bytes: Uint8Array): CertsOnly =>
  decoding('scep.undecodable_certificates', 'the certificate list', () => {
    const { certificates, crls } = decodeSignedData(bytes);
    return { certificates, crls };
  });
