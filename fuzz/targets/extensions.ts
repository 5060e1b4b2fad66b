/** The values of extensions. Each input goes to every decoder. */
import {
  Asn1Error,
  Asn1Reader,
  decodeAuthorityInfoAccess,
  decodeAuthorityKeyIdentifier,
  decodeBasicConstraints,
  decodeCrlDistributionPoints,
  decodeExtendedKeyUsage,
  decodeGeneralNames,
  decodeKeyUsage,
  decodeSubjectKeyIdentifier,
  encodeAuthorityInfoAccess,
  encodeAuthorityKeyIdentifier,
  encodeBasicConstraints,
  encodeCrlDistributionPoints,
  encodeExtendedKeyUsage,
  encodeExtensions,
  encodeGeneralNames,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
  equalBytes,
  oid,
  readExtensions,
} from '@scepter/x509';
import { isDeepStrictEqual } from 'node:util';
import { decodeCrlNumber, encodeCrlNumber } from '../../packages/x509/src/extensions/crl-number.ts';
import { decodeReasonCode, encodeReasonCode } from '../../packages/x509/src/extensions/reason-code.ts';
import { attempt, bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { OpenTarget, Target } from './target.ts';

interface Codec<T> {
  readonly decode: (value: Uint8Array) => T;
  readonly encode: (value: NonNullable<T>) => Uint8Array;
  /** Whether a value has one encoding only: then it must be the one that was read. */
  readonly exact?: boolean;
}

const roundTrip =
  <T>(name: string, { decode, encode, exact = false }: Codec<T>) =>
  (input: Uint8Array): Outcome => {
    const read = attempt(() => decode(input), Asn1Error);
    if (!read.accepted) return read;
    const { value } = read;
    if (value === undefined || value === null) return { accepted: true, signature: `${name} nothing` };
    const encoded = encode(value);
    const again = attempt(() => decode(encoded), Asn1Error);
    if (again.accepted) promise(isDeepStrictEqual(again.value, value), `${name}: encoded again, another value`);
    // URLs that shared a point get one each, which may be more than a reader takes.
    else promise((again.error as Asn1Error).code === 'too_many_elements', `${name}: encoded again, it cannot be read`);
    promise(!exact || equalBytes(encoded, input), `${name}: two encodings of one value`);
    return { accepted: true, signature: `${name} ${shapeOf(value)}` };
  };

function shapeOf(value: unknown): string {
  if (Array.isArray(value)) {
    const kinds = value.map((entry) =>
      typeof entry === 'object' && entry !== null && 'kind' in entry ? String(entry.kind) : typeof entry,
    );
    return `${bucket(value.length)} ${kinds.slice(0, 4).join(' ')}`;
  }
  if (typeof value === 'object' && value !== null)
    return Object.values(value)
      .map((part) => (Array.isArray(part) ? bucket(part.length) : typeof part))
      .join(' ');
  return typeof value;
}

/** By object identifier. */
export const extensionDecoders: Readonly<Record<string, (value: Uint8Array) => Outcome>> = {
  [oid.subjectAltName]: roundTrip('general names', {
    decode: decodeGeneralNames,
    encode: encodeGeneralNames,
    exact: true,
  }),
  [oid.keyUsage]: roundTrip('key usage', { decode: decodeKeyUsage, encode: encodeKeyUsage }),
  [oid.extendedKeyUsage]: roundTrip('extended key usage', {
    decode: decodeExtendedKeyUsage,
    encode: encodeExtendedKeyUsage,
    exact: true,
  }),
  [oid.basicConstraints]: roundTrip('basic constraints', {
    decode: decodeBasicConstraints,
    encode: encodeBasicConstraints,
  }),
  [oid.subjectKeyIdentifier]: roundTrip('subject key identifier', {
    decode: decodeSubjectKeyIdentifier,
    encode: encodeSubjectKeyIdentifier,
    exact: true,
  }),
  [oid.authorityKeyIdentifier]: roundTrip('authority key identifier', {
    decode: decodeAuthorityKeyIdentifier,
    encode: encodeAuthorityKeyIdentifier,
  }),
  [oid.crlDistributionPoints]: roundTrip('distribution points', {
    decode: decodeCrlDistributionPoints,
    encode: encodeCrlDistributionPoints,
  }),
  [oid.authorityInfoAccess]: roundTrip('authority information access', {
    decode: decodeAuthorityInfoAccess,
    encode: encodeAuthorityInfoAccess,
  }),
  [oid.crlNumber]: roundTrip('CRL number', { decode: decodeCrlNumber, encode: encodeCrlNumber, exact: true }),
  [oid.reasonCode]: roundTrip('reason code', { decode: decodeReasonCode, encode: encodeReasonCode, exact: true }),
};

const extensionList = roundTrip('extensions', {
  decode: (value) => {
    const reader = Asn1Reader.of(value);
    const extensions = readExtensions(reader);
    reader.end();
    return extensions;
  },
  encode: encodeExtensions,
});

function open(): OpenTarget {
  const decoders = [...Object.values(extensionDecoders), extensionList];
  return {
    execute(input) {
      const outcomes = decoders.map((decode) => decode(input));
      const accepted = outcomes.filter((outcome) => outcome.accepted);
      // Most decoders refuse most inputs at the first tag; where the first that takes sequences refuses, says enough.
      const signature =
        accepted.length > 0
          ? accepted.map((outcome) => outcome.signature).join(', ')
          : `${outcomes[0]?.signature} ${outcomes.at(-1)?.signature}`;
      return { accepted: accepted.length > 0, signature };
    },
  };
}

export const extensionTargets: readonly Target[] = [
  { name: 'extension', description: 'the values of eleven extensions, and back', inputKind: 'asn1', open },
];
