import { der } from '../asn1/der.ts';
import { Asn1Error } from '../asn1/errors.ts';
import { Asn1Reader } from '../asn1/reader.ts';
import { tag } from '../asn1/tags.ts';

// CRLReason, RFC 5280 5.3.1: ENUMERATED; 7 is not used.

const reasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const;

export type RevocationReason = keyof typeof reasons;

const reasonByCode: ReadonlyMap<number, RevocationReason> = new Map(
  Object.entries(reasons).map(([reason, code]): [number, RevocationReason] => [code, reason as RevocationReason]),
);

/** @throws Asn1Error `bad_value` for a code without a reason */
export function decodeReasonCode(value: Uint8Array): RevocationReason {
  const reader = Asn1Reader.of(value);
  const { content } = reader.read(tag.enumerated);
  reader.end();
  const reason = content.length === 1 ? reasonByCode.get(content[0] ?? -1) : undefined;
  if (reason === undefined) throw new Asn1Error('bad_value', 'an unknown revocation reason');
  return reason;
}

export function encodeReasonCode(reason: RevocationReason): Uint8Array {
  return der.enumerated(reasons[reason]);
}
