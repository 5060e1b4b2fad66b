import { der } from '../asn1/der.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { tag } from '../asn1/tags.ts';
import { encodeGeneralName, readGeneralNames } from '../general-name.ts';
import { oid } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

// CRLDistributionPoints, RFC 5280 4.2.1.13: SEQUENCE OF DistributionPoint
//   DistributionPoint ::= SEQUENCE { [0] EXPLICIT DistributionPointName, [1] reasons, [2] cRLIssuer }, all optional
//   DistributionPointName ::= CHOICE { [0] fullName GeneralNames, [1] nameRelativeToCRLIssuer }

/** The URLs of all points; other forms of names are skipped. @throws Asn1Error */
export function decodeCrlDistributionPoints(value: Uint8Array): string[] {
  const reader = Asn1Reader.of(value);
  const points = reader.sequence();
  reader.end();
  const urls: string[] = [];
  while (!points.atEnd()) {
    const point = points.sequence();
    const pointName = point.optionalConstructed(tag.contextConstructed(0));
    point.optional(tag.context(1));
    point.optional(tag.contextConstructed(2));
    point.end();
    const fullName = pointName?.optionalConstructed(tag.contextConstructed(0));
    if (pointName === undefined || fullName === undefined) continue;
    pointName.end();
    for (const name of readGeneralNames(fullName)) {
      if (name.kind === 'uri') urls.push(name.value);
    }
  }
  return urls;
}

/** One point with one URL each, the form that every client understands. @throws Asn1Error `bad_value` */
export function encodeCrlDistributionPoints(urls: readonly string[]): Uint8Array {
  return der.sequence(
    ...urls.map((value) =>
      der.sequence(der.explicit(0, der.implicitConstructed(0, encodeGeneralName({ kind: 'uri', value })))),
    ),
  );
}

/** Not critical. */
export function crlDistributionPointsExtension(urls: readonly string[]): Extension {
  return { oid: oid.crlDistributionPoints, critical: false, value: encodeCrlDistributionPoints(urls) };
}
