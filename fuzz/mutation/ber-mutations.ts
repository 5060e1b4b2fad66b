/** Changes that know ASN.1: of elements, with the lengths around them kept right, or made wrong on purpose. */
import { concat, element, replaceNode, splice } from './ber-tree.ts';
import type { BerNode } from './ber-tree.ts';
import { mutateBytes } from './byte-mutations.ts';
import { anyContent, anyElement, anyTag } from './dictionary.ts';
import type { Random } from './random.ts';

/** An input with its elements. */
export interface BerInput {
  readonly bytes: Uint8Array;
  readonly nodes: readonly BerNode[];
}

interface Change {
  readonly input: BerInput;
  readonly node: BerNode;
  /** Another input, to take parts from. */
  readonly donor: BerInput;
  readonly random: Random;
}

type BerMutation = (change: Change) => Uint8Array;

const CONSTRUCTED = 0x20;

const whole = ({ input, node }: Change): Uint8Array => input.bytes.subarray(node.start, node.end);
const contentOf = ({ input, node }: Change): Uint8Array => input.bytes.subarray(node.contentStart, node.contentEnd);
const replaced = ({ input, node }: Change, replacement: Uint8Array): Uint8Array =>
  replaceNode(input.bytes, input.nodes, node, replacement);

function donated({ donor, node, random }: Change): Uint8Array {
  const alike = donor.nodes.filter(({ tag }) => tag === node.tag);
  const chosen = random.pick(alike.length > 0 && !random.oneIn(3) ? alike : donor.nodes);
  return chosen === undefined ? anyElement(random) : donor.bytes.subarray(chosen.start, chosen.end);
}

function times(piece: Uint8Array, count: number): Uint8Array {
  return concat(...Array.from({ length: count }, () => piece));
}

/** A length that says something else than what follows, or says it in another way. */
function lengthOctets(length: number, random: Random): Uint8Array {
  const big = [length >> 24, length >> 16, length >> 8, length].map((octet) => octet & 0xff);
  switch (random.below(9)) {
    case 0:
      return Uint8Array.of((length + random.between(-2, 2)) & 0x7f);
    case 1:
      return Uint8Array.of(0x80);
    case 2:
      return Uint8Array.of(0x84, 0xff, 0xff, 0xff, 0xff);
    case 3:
      return Uint8Array.of(0x84, 0x7f, 0xff, 0xff, 0xff);
    case 4:
      return Uint8Array.of(0x84, ...big);
    case 5:
      return Uint8Array.of(0x86, 0, 0, ...big);
    case 6:
      return Uint8Array.of(0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    case 7:
      return Uint8Array.of(0x81, length & 0xff);
    default:
      return Uint8Array.of(0xff);
  }
}

const mutations: readonly [BerMutation, ...BerMutation[]] = [
  function remove(change) {
    return replaced(change, new Uint8Array());
  },
  function double(change) {
    return replaced(change, concat(whole(change), whole(change)));
  },
  function multiply(change) {
    const { random } = change;
    const piece = whole(change);
    const most = Math.min(random.oneIn(100) ? 12_000 : 12, Math.floor(30_000 / Math.max(piece.length, 1)));
    return replaced(change, times(piece, random.between(2, Math.max(most, 2))));
  },
  function graft(change) {
    return replaced(change, donated(change));
  },
  function graftContent(change) {
    const { donor, node, random } = change;
    const chosen = random.pick(donor.nodes.filter(({ tag }) => tag === node.tag));
    return replaced(
      change,
      element(
        node.tag,
        chosen === undefined ? random.bytes(4) : donor.bytes.subarray(chosen.contentStart, chosen.contentEnd),
      ),
    );
  },
  function insertBeside(change) {
    const { random } = change;
    const more = random.oneIn(2) ? donated(change) : anyElement(random);
    return replaced(change, random.oneIn(2) ? concat(more, whole(change)) : concat(whole(change), more));
  },
  function insertInside(change) {
    const { input, node, random } = change;
    const at = random.oneIn(2) ? node.contentStart : node.contentEnd;
    const index = input.nodes.indexOf(node);
    return splice(input.bytes, input.nodes, index, at, at, random.oneIn(2) ? donated(change) : anyElement(random));
  },
  function exchange(change) {
    const { input, node, random } = change;
    const other = random.pick(
      input.nodes.filter((candidate) => candidate.parent === node.parent && candidate.start > node.start),
    );
    if (other === undefined) return replaced(change, new Uint8Array());
    const { bytes } = input;
    const swapped = concat(
      bytes.subarray(other.start, other.end),
      bytes.subarray(node.end, other.start),
      bytes.subarray(node.start, node.end),
    );
    return splice(bytes, input.nodes, node.parent, node.start, other.end, swapped);
  },
  function retag(change) {
    const { node, random } = change;
    const tag = random.pick([
      node.tag ^ CONSTRUCTED,
      node.tag ^ 0x80,
      node.tag ^ 1,
      (node.tag & 0xe0) | random.below(31),
      anyTag(random),
    ] as const);
    return replaced(change, element(tag, contentOf(change)));
  },
  function setContent(change) {
    return replaced(change, element(change.node.tag, anyContent(change.node.tag, change.random)));
  },
  function setContentAgain(change) {
    return replaced(change, element(change.node.tag, anyContent(change.node.tag, change.random)));
  },
  function replaceWithAny(change) {
    return replaced(change, anyElement(change.random));
  },
  function mutateContent(change) {
    const content = contentOf(change);
    if (content.length > 4096) return mutateBytes(change.input.bytes, change.random);
    return replaced(change, element(change.node.tag, mutateBytes(content, change.random)));
  },
  function wrongLength(change) {
    const content = contentOf(change);
    const octets = lengthOctets(content.length, change.random);
    return replaced(change, concat(Uint8Array.of(change.node.tag), octets, content));
  },
  function indefinite(change) {
    const { node, random } = change;
    const tag = random.oneIn(8) ? node.tag : node.tag | CONSTRUCTED;
    const content = (node.tag & CONSTRUCTED) === 0 ? element(node.tag & 0x1f, contentOf(change)) : contentOf(change);
    return replaced(
      change,
      concat(Uint8Array.of(tag, 0x80), content, random.oneIn(8) ? new Uint8Array() : Uint8Array.of(0, 0)),
    );
  },
  function paddedLength(change) {
    const content = contentOf(change);
    const { length } = content;
    const octets =
      length < 0x80 ? Uint8Array.of(0x81, length) : Uint8Array.of(0x83, 0, (length >> 8) & 0xff, length & 0xff);
    return replaced(change, concat(Uint8Array.of(change.node.tag), octets, content));
  },
  function inPieces(change) {
    const { node, random } = change;
    const content = contentOf(change);
    const size = random.pick([1, 2, 7, 100, 1000] as const);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < content.length && pieces.length < 500; at += size) {
      pieces.push(element(0x04, content.subarray(at, pieces.length === 499 ? content.length : at + size)));
    }
    const tag = node.tag | CONSTRUCTED;
    return replaced(
      change,
      random.oneIn(2)
        ? element(tag, concat(...pieces))
        : concat(Uint8Array.of(tag, 0x80), ...pieces, Uint8Array.of(0, 0)),
    );
  },
  function nest(change) {
    const { random } = change;
    const tag = random.pick([0x30, 0x31, 0x24, 0x04, 0xa0, 0xa3] as const);
    let piece = whole(change);
    const depth = random.oneIn(30) ? random.between(20, 200) : random.between(1, 3);
    const isIndefinite = random.oneIn(3);
    for (let level = 0; level < depth; level += 1) {
      piece = isIndefinite ? concat(Uint8Array.of(tag, 0x80), piece, Uint8Array.of(0, 0)) : element(tag, piece);
    }
    return replaced(change, piece);
  },
  function unwrap(change) {
    return replaced(change, contentOf(change));
  },
];

/** One change of one element. */
export function mutateBer(input: BerInput, donor: BerInput, random: Random): Uint8Array {
  const node = random.pick(input.nodes);
  if (node === undefined) return mutateBytes(input.bytes, random);
  return random.pick(mutations)({ input, node, donor, random });
}
