import { toHex } from '@scepter/x509';
import type { Reply } from '../wire/read-reply.ts';
import { wireOid } from '../wire/object-identifiers.ts';

const newEveryTime: ReadonlySet<string> = new Set<string>([
  wireOid.senderNonce,
  wireOid.recipientNonce,
  wireOid.transactionId,
  wireOid.signingTime,
]);

/** The signed attributes of a reply, without those that every reply has anew. */
export const attributeText = (reply: Reply): string =>
  (reply.signers[0]?.attributes ?? [])
    .map(({ type, values }) =>
      newEveryTime.has(type)
        ? `${type}#${values.map(({ encoded }) => encoded.length).join(',')}`
        : `${type}=${values.map(({ encoded }) => toHex(encoded)).join(',')}`,
    )
    .join(' ');
