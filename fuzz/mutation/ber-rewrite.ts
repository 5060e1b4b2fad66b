/** The same value in another encoding: what BER leaves to the writer, decided anew at every element. */
import { concat, header, parseBer } from './ber-tree.ts';
import type { BerNode } from './ber-tree.ts';

export interface RewriteOptions {
  /** Whole numbers from 0 to `limit` - 1. */
  readonly below: (limit: number) => number;
  /** Elements that stay as they are, with everything inside. */
  readonly keeps?: (node: BerNode, bytes: Uint8Array) => boolean;
  /** Whether octet strings may be written in pieces, which DER-minded readers of X.509 do not take. */
  readonly inPieces?: boolean;
}

const CONSTRUCTED = 0x20;
const OCTET_STRING = 0x04;

/** @param bytes one or more elements in DER or BER */
export function rewriteBer(bytes: Uint8Array, options: RewriteOptions): Uint8Array {
  const nodes = parseBer(bytes);
  const tops = nodes.flatMap((node, index) => (node.parent === -1 ? [index] : []));
  return concat(...tops.map((index) => rewritten(bytes, nodes, index, options)));
}

function rewritten(bytes: Uint8Array, nodes: readonly BerNode[], index: number, options: RewriteOptions): Uint8Array {
  const node = nodes[index];
  if (node === undefined) return new Uint8Array();
  if (options.keeps?.(node, bytes)) return bytes.subarray(node.start, node.end);
  const content = bytes.subarray(node.contentStart, node.contentEnd);
  if ((node.tag & CONSTRUCTED) === 0) return primitive(node.tag, content, options);
  const children = nodes.flatMap(({ parent }, child) => (parent === index ? [child] : []));
  return constructed(node.tag, concat(...children.map((child) => rewritten(bytes, nodes, child, options))), options);
}

function primitive(tag: number, content: Uint8Array, options: RewriteOptions): Uint8Array {
  if (tag !== OCTET_STRING || options.inPieces !== true || options.below(3) > 0)
    return withLength(tag, content, options);
  const at = options.below(content.length + 1);
  const pieces = [content.subarray(0, at), content.subarray(at)].map((piece) =>
    withLength(OCTET_STRING, piece, options),
  );
  return constructed(OCTET_STRING | CONSTRUCTED, concat(...pieces), options);
}

function constructed(tag: number, content: Uint8Array, options: RewriteOptions): Uint8Array {
  if (options.below(2) === 0) return concat(Uint8Array.of(tag, 0x80), content, Uint8Array.of(0, 0));
  return withLength(tag, content, options);
}

/** The shortest length, or one with zeros before it. */
function withLength(tag: number, content: Uint8Array, { below }: RewriteOptions): Uint8Array {
  const { length } = content;
  if (below(3) > 0) return concat(header(tag, length), content);
  return concat(Uint8Array.of(tag, 0x84, 0, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff), content);
}
