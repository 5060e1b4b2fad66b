import { toHex } from '@scepter/x509';

/** The non-negative number that big-endian bytes stand for. */
export function unsignedBigInt(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/** The largest number whose square is not larger: Newton's method from above. */
function squareRootFloor(square: bigint): bigint {
  if (square < 2n) return square;
  let root = 1n << BigInt(Math.ceil(square.toString(16).length * 2));
  for (;;) {
    const next = (root + square / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The smallest number whose square is not smaller. */
export function squareRootCeiling(square: bigint): bigint {
  const floor = squareRootFloor(square);
  return floor * floor === square ? floor : floor + 1n;
}

/** Moduli with few squares; together they let fewer than one number in a thousand reach the expensive root. */
const squareFilters: readonly { modulus: bigint; squares: ReadonlySet<bigint> }[] = [256n, 45n, 77n, 221n].map(
  (modulus) => ({ modulus, squares: squaresModulo(modulus) }),
);

export function isPerfectSquare(candidate: bigint): boolean {
  if (!squareFilters.every(({ modulus, squares }) => squares.has(candidate % modulus))) return false;
  const root = squareRootFloor(candidate);
  return root * root === candidate;
}

function squaresModulo(modulus: bigint): ReadonlySet<bigint> {
  const squares = new Set<bigint>();
  for (let root = 0n; root < modulus; root += 1n) squares.add((root * root) % modulus);
  return squares;
}
