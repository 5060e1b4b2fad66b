/**
 * A second reader of BER, written apart from the one under test: lenient, so that broken inputs still have parts to
 * change, and curious, so that what is wrapped in octet and bit strings has parts, too.
 */

/** One element, as positions in its input. */
export interface BerNode {
  readonly start: number;
  /** The identifier octet. */
  readonly tag: number;
  readonly contentStart: number;
  readonly contentEnd: number;
  /** Behind the element, and behind the end-of-contents octets that close an indefinite length. */
  readonly end: number;
  /** Index of the surrounding element, -1 at the top. */
  readonly parent: number;
  readonly depth: number;
  readonly indefinite: boolean;
  /** How many elements stand inside. */
  children: number;
}

/** More would only make every mutation slow. */
const MOST_NODES = 3000;
const DEEPEST = 60;
const CONSTRUCTED = 0x20;
const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;

interface Header {
  readonly tag: number;
  readonly contentStart: number;
  /** -1 when indefinite. */
  readonly length: number;
}

function readHeader(bytes: Uint8Array, at: number, limit: number): Header | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || at + 2 > limit || (tag & 0x1f) === 0x1f || tag === 0)
    return undefined;
  if (first < 0x80) return { tag, contentStart: at + 2, length: first };
  if (first === 0x80) return (tag & CONSTRUCTED) === 0 ? undefined : { tag, contentStart: at + 2, length: -1 };
  const octets = first & 0x7f;
  if (octets > 6 || at + 2 + octets > limit) return undefined;
  let length = 0;
  for (let octet = 0; octet < octets; octet += 1) length = length * 256 + (bytes[at + 2 + octet] ?? 0);
  return { tag, contentStart: at + 2 + octets, length };
}

/** All elements in the order of their beginnings; as many as could be read. */
export function parseBer(bytes: Uint8Array): BerNode[] {
  const nodes: BerNode[] = [];
  readElements(bytes, 0, bytes.length, -1, 0, nodes);
  return nodes;
}

/** Reads element after element. Returns where it stopped: at the limit, at end-of-contents, or where nothing fits. */
function readElements(
  bytes: Uint8Array,
  start: number,
  limit: number,
  parent: number,
  depth: number,
  nodes: BerNode[],
): number {
  if (depth >= DEEPEST) return start;
  let at = start;
  while (at < limit && nodes.length < MOST_NODES) {
    const header = readHeader(bytes, at, limit);
    if (header === undefined) return at;
    const { tag, contentStart, length } = header;
    const index = nodes.length;
    const contentEnd = length < 0 ? limit : contentStart + length;
    if (contentEnd > limit) return at;
    const node = {
      start: at,
      tag,
      contentStart,
      contentEnd,
      end: contentEnd,
      parent,
      depth,
      indefinite: length < 0,
      children: 0,
    };
    nodes.push(node);
    const parentNode = nodes[parent];
    if (parentNode !== undefined) parentNode.children += 1;
    if (length < 0) {
      const stopped = readElements(bytes, contentStart, limit, index, depth + 1, nodes);
      if (bytes[stopped] !== 0 || bytes[stopped + 1] !== 0) {
        nodes.length = index;
        if (parentNode !== undefined) parentNode.children -= 1;
        return at;
      }
      node.contentEnd = stopped;
      node.end = stopped + 2;
    } else if ((tag & CONSTRUCTED) !== 0) {
      readInside(bytes, contentStart, contentEnd, index, depth, nodes);
    } else if (tag === OCTET_STRING && length > 1) {
      readWrapped(bytes, contentStart, contentEnd, index, depth, nodes);
    } else if (tag === BIT_STRING && length > 2 && bytes[contentStart] === 0) {
      readWrapped(bytes, contentStart + 1, contentEnd, index, depth, nodes);
    }
    at = node.end;
  }
  return at;
}

function readInside(
  bytes: Uint8Array,
  start: number,
  end: number,
  parent: number,
  depth: number,
  nodes: BerNode[],
): void {
  readElements(bytes, start, end, parent, depth + 1, nodes);
}

/** Strings hold elements only when they hold nothing else. */
function readWrapped(
  bytes: Uint8Array,
  start: number,
  end: number,
  parent: number,
  depth: number,
  nodes: BerNode[],
): void {
  const first = bytes[start];
  // Keys, names, lists and numbers begin so; most random bytes do not.
  if (first !== 0x30 && first !== 0x31 && first !== 0x03 && first !== 0x04 && first !== 0x02) return;
  const before = nodes.length;
  const stopped = readElements(bytes, start, end, parent, depth + 1, nodes);
  if (stopped === end) return;
  nodes.length = before;
  const node = nodes[parent];
  if (node !== undefined) node.children = 0;
}

/** Identifier and shortest length octets. */
export function header(tag: number, length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(tag, length);
  if (length < 0x100) return Uint8Array.of(tag, 0x81, length);
  if (length < 0x10000) return Uint8Array.of(tag, 0x82, length >> 8, length & 0xff);
  return Uint8Array.of(tag, 0x83, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** One element of `content`. */
export function element(tag: number, content: Uint8Array): Uint8Array {
  return concat(header(tag, content.length), content);
}

/**
 * The input with `replacement` in place of the bytes from `from` to `to`, which lie inside the element `parent`; the
 * lengths of all surrounding elements are right again.
 */
export function splice(
  bytes: Uint8Array,
  nodes: readonly BerNode[],
  parent: number,
  from: number,
  to: number,
  replacement: Uint8Array,
): Uint8Array {
  let piece = replacement;
  let start = from;
  let end = to;
  for (let node = nodes[parent]; node !== undefined; node = nodes[node.parent]) {
    const content = concat(bytes.subarray(node.contentStart, start), piece, bytes.subarray(end, node.contentEnd));
    piece = node.indefinite
      ? concat(Uint8Array.of(node.tag, 0x80), content, Uint8Array.of(0, 0))
      : concat(header(node.tag, content.length), content);
    start = node.start;
    end = node.end;
  }
  return concat(bytes.subarray(0, start), piece, bytes.subarray(end));
}

/** The input with another element, or none, or several, in place of one. */
export function replaceNode(
  bytes: Uint8Array,
  nodes: readonly BerNode[],
  node: BerNode,
  replacement: Uint8Array,
): Uint8Array {
  return splice(bytes, nodes, node.parent, node.start, node.end, replacement);
}
