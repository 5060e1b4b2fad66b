import { der } from '@scepter/x509';
import { wireOid } from '../wire/object-identifiers.ts';

/** Small inputs that cost a careless parser its stack, its memory or its patience. */
export interface ParserBomb {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const nested = (depth: number): Uint8Array => {
  // Indefinite lengths, so that every level costs two bytes and no computation.
  const open = new Uint8Array(depth * 2);
  for (let level = 0; level < depth; level += 1) open.set([0x30, 0x80], level * 2);
  return der.concat(open, new Uint8Array(depth * 2));
};

const signedDataWith = (inside: Uint8Array): Uint8Array =>
  der.sequence(der.oid(wireOid.signedData), der.explicit(0, inside));

const chunkedOctets = (chunks: number): Uint8Array => {
  const body = new Uint8Array(chunks * 2);
  for (let chunk = 0; chunk < chunks; chunk += 1) body.set([0x04, 0x00], chunk * 2);
  return der.concat(Uint8Array.of(0x24, 0x80), body, Uint8Array.of(0, 0));
};

/** All below 64 KB, which is as much as an honest request may have. */
export const parserBombs = (): readonly ParserBomb[] => [
  { name: 'nested 15,000 deep', bytes: nested(15_000) },
  { name: 'nested 10,000 deep inside SignedData', bytes: signedDataWith(nested(10_000)) },
  {
    name: '30,000 empty elements',
    bytes: signedDataWith(der.sequenceOf(Array.from({ length: 30_000 }, () => der.null()))),
  },
  { name: '25,000 empty chunks of one string', bytes: signedDataWith(chunkedOctets(25_000)) },
  { name: 'a length of 4 GB', bytes: Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06, 0x01) },
  { name: 'a length of 2^1008', bytes: der.concat(Uint8Array.of(0x30, 0xfe), new Uint8Array(126).fill(0xff)) },
  { name: 'an indefinite length without an end', bytes: Uint8Array.of(0x30, 0x80, 0x06, 0x09) },
  {
    name: 'an object identifier of 60,000 bytes',
    bytes: der.sequence(der.concat(Uint8Array.of(0x06, 0x82, 0xea, 0x60), new Uint8Array(60_000).fill(0x81))),
  },
  {
    name: 'an integer of 60,000 bytes',
    bytes: signedDataWith(der.sequence(der.unsignedInteger(new Uint8Array(60_000).fill(0x7f)))),
  },
];
