/** Makes an input that shows a fault as small as can be had in a few thousand tries. */
import { concat, parseBer, replaceNode } from './mutation/ber-tree.ts';

/** Whether an input still shows the same fault. */
export type ShowsFault = (input: Uint8Array) => Promise<boolean>;

const MOST_TRIES = 3000;

export async function minimize(input: Uint8Array, showsFault: ShowsFault): Promise<Uint8Array> {
  let tries = 0;
  const isBetter = async (candidate: Uint8Array): Promise<boolean> => {
    tries += 1;
    return tries <= MOST_TRIES && (await showsFault(candidate));
  };
  let smallest = input;
  let before: number;
  do {
    before = smallest.length;
    smallest = await withoutElements(smallest, isBetter);
    smallest = await withoutRanges(smallest, isBetter);
  } while (smallest.length < before);
  return withZeros(smallest, isBetter);
}

async function withoutElements(input: Uint8Array, isBetter: ShowsFault): Promise<Uint8Array> {
  let current = input;
  for (let index = 0; ; index += 1) {
    const nodes = parseBer(current);
    const node = nodes[index];
    if (node === undefined) return current;
    const candidate = replaceNode(current, nodes, node, new Uint8Array());
    if (!(await isBetter(candidate))) continue;
    current = candidate;
    index -= 1;
  }
}

async function withoutRanges(input: Uint8Array, isBetter: ShowsFault): Promise<Uint8Array> {
  let current = input;
  for (let size = current.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < current.length;) {
      const candidate = concat(current.subarray(0, at), current.subarray(at + size));
      if (await isBetter(candidate)) current = candidate;
      else at += size;
    }
  }
  return current;
}

/** What does not matter says so by being zero. */
async function withZeros(input: Uint8Array, isBetter: ShowsFault): Promise<Uint8Array> {
  let current = input;
  for (let at = 0; at < current.length; at += 1) {
    if (current[at] === 0) continue;
    const candidate = current.slice();
    candidate[at] = 0;
    if (await isBetter(candidate)) current = candidate;
  }
  return current;
}
