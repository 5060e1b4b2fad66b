/** From inputs of a corpus to new ones. */
import { mutateBer } from './ber-mutations.ts';
import type { BerInput } from './ber-mutations.ts';
import { parseBer } from './ber-tree.ts';
import { crossOver, mutateBytes } from './byte-mutations.ts';
import { mutateJson } from './json-mutations.ts';
import type { Random } from './random.ts';
import { mutateText } from './text-mutations.ts';

/** What an input is, which decides how it is changed. */
export type InputKind = 'asn1' | 'text' | 'json';

/** The largest message that a server takes, and a little more. */
const LARGEST_INPUT = 70_000;

/** One to four changes on top of each other. */
export function mutate(kind: InputKind, input: BerInput, donor: BerInput, random: Random): Uint8Array {
  const changes = random.oneIn(2) ? 1 : random.between(1, 4);
  let current = input;
  for (let change = 0; change < changes; change += 1) {
    const bytes = mutateOnce(kind, current, donor, random);
    if (bytes.length > LARGEST_INPUT) break;
    current = { bytes, nodes: kind === 'asn1' && change + 1 < changes ? parseBer(bytes) : [] };
  }
  return current.bytes;
}

function mutateOnce(kind: InputKind, input: BerInput, donor: BerInput, random: Random): Uint8Array {
  if (kind === 'text') return mutateText(input.bytes, donor.bytes, random);
  if (kind === 'json' && !random.oneIn(10)) {
    const text = mutateJson(Buffer.from(input.bytes).toString(), Buffer.from(donor.bytes).toString(), random);
    return text === undefined ? mutateText(input.bytes, donor.bytes, random) : Uint8Array.from(Buffer.from(text));
  }
  if (random.oneIn(5)) return mutateBytes(input.bytes, random);
  if (random.oneIn(60)) return crossOver(input.bytes, donor.bytes, random);
  return mutateBer(input, donor, random);
}
