/** Changes that know nothing of what the bytes mean. */
import { concat } from './ber-tree.ts';
import type { Random } from './random.ts';

type ByteMutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const edgeBytes = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xa0, 0xfe, 0xff] as const;

function range(bytes: Uint8Array, random: Random, longest: number): [start: number, end: number] {
  const start = random.below(bytes.length);
  return [start, Math.min(bytes.length, start + random.between(1, longest))];
}

const mutations: readonly [ByteMutation, ...ByteMutation[]] = [
  function flipBit(bytes, random) {
    const copy = bytes.slice();
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  function setByte(bytes, random) {
    const copy = bytes.slice();
    copy[random.below(copy.length)] = random.oneIn(2) ? random.pick(edgeBytes) : random.below(256);
    return copy;
  },
  function addToByte(bytes, random) {
    const copy = bytes.slice();
    const at = random.below(copy.length);
    copy[at] = ((copy[at] ?? 0) + random.between(-3, 3)) & 0xff;
    return copy;
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random.below(bytes.length));
  },
  function remove(bytes, random) {
    const [start, end] = range(bytes, random, 16);
    return concat(bytes.subarray(0, start), bytes.subarray(end));
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    return concat(bytes.subarray(0, at), random.bytes(random.between(1, 8)), bytes.subarray(at));
  },
  function repeat(bytes, random) {
    const [start, end] = range(bytes, random, 64);
    const piece = bytes.subarray(start, end);
    return concat(
      bytes.subarray(0, end),
      ...Array.from({ length: random.between(1, 4) }, () => piece),
      bytes.subarray(end),
    );
  },
  function copyOver(bytes, random) {
    const copy = bytes.slice();
    const [start, end] = range(bytes, random, 32);
    copy.set(bytes.subarray(start, Math.min(end, start + copy.length)), random.below(copy.length - (end - start) + 1));
    return copy;
  },
  function append(bytes, random) {
    return concat(bytes, random.oneIn(2) ? Uint8Array.of(0, 0) : random.bytes(random.between(1, 4)));
  },
];

export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return random.bytes(random.between(1, 16));
  return random.pick(mutations)(bytes, random);
}

/** The beginning of one input and the end of another. */
export function crossOver(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  return concat(bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1)));
}
