import { der } from '../asn1/der.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { encodeGeneralName, readGeneralName } from '../general-name.ts';
import { oid } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

// AuthorityInfoAccessSyntax, RFC 5280 4.2.2.1: SEQUENCE OF AccessDescription
//   AccessDescription ::= SEQUENCE { accessMethod OBJECT IDENTIFIER, accessLocation GeneralName }

export interface AuthorityInfoAccess {
  /** Where the issuer's certificate can be fetched. */
  readonly caIssuers?: readonly string[];
  /** Where the status of the certificate can be asked for. */
  readonly ocsp?: readonly string[];
}

/** The URLs of both methods; other methods and forms of names are skipped. @throws Asn1Error */
export function decodeAuthorityInfoAccess(value: Uint8Array): { caIssuers: string[]; ocsp: string[] } {
  const reader = Asn1Reader.of(value);
  const descriptions = reader.sequence();
  reader.end();
  const access: { caIssuers: string[]; ocsp: string[] } = { caIssuers: [], ocsp: [] };
  while (!descriptions.atEnd()) {
    const description = descriptions.sequence();
    const method = description.oid();
    const location = readGeneralName(description);
    description.end();
    if (location.kind !== 'uri') continue;
    if (method === oid.accessCaIssuers) access.caIssuers.push(location.value);
    if (method === oid.accessOcsp) access.ocsp.push(location.value);
  }
  return access;
}

/** @throws Asn1Error `bad_value` */
export function encodeAuthorityInfoAccess({ caIssuers = [], ocsp = [] }: AuthorityInfoAccess): Uint8Array {
  const describe = (method: string) => (value: string) =>
    der.sequence(der.oid(method), encodeGeneralName({ kind: 'uri', value }));
  return der.sequence(...ocsp.map(describe(oid.accessOcsp)), ...caIssuers.map(describe(oid.accessCaIssuers)));
}

/** Not critical. */
export function authorityInfoAccessExtension(access: AuthorityInfoAccess): Extension {
  return { oid: oid.authorityInfoAccess, critical: false, value: encodeAuthorityInfoAccess(access) };
}
