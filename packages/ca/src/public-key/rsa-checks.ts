/* RSA public key checks (RFC 8017 3.1; NIST SP 800-56B rev. 2, 6.4.2.2 "partial public-key validation"). */
import type { KeyCheck } from './check-public-key.ts';
import { isPerfectSquare, squareRootCeiling, unsignedBigInt } from './whole-numbers.ts';

export const modulusSize: KeyCheck = ({ key }, { rsaBits }) => {
  if (key.kind !== 'rsa') return undefined;
  if (key.modulusBits >= rsaBits.minimum && key.modulusBits <= rsaBits.maximum) return undefined;
  return {
    code: 'rsa_modulus_size',
    message: `The RSA modulus has ${key.modulusBits} bits; ${rsaBits.minimum} to ${rsaBits.maximum} are allowed.`,
  };
};

export const modulusOdd: KeyCheck = ({ key }) => {
  if (key.kind !== 'rsa' || ((key.modulus.at(-1) ?? 0) & 1) === 1) return undefined;
  return { code: 'rsa_modulus_even', message: 'The RSA modulus is even.' };
};

const SMALLEST_EXPONENT = 65537n;
/** Larger exponents make every verification slow, and some clients store the exponent in 32 bits. */
const EXPONENT_LIMIT = 1n << 32n;

export const exponentSound: KeyCheck = ({ key }) => {
  if (key.kind !== 'rsa') return undefined;
  const { exponent } = key;
  if (exponent >= SMALLEST_EXPONENT && exponent < EXPONENT_LIMIT && (exponent & 1n) === 1n) return undefined;
  return { code: 'rsa_exponent', message: 'The RSA exponent is not odd, from 65537 to below 2^32.' };
};

/** The largest prime that is divided by. Small factors are a sign of a broken generator or of fault injection. */
const LARGEST_SMALL_PRIME = 751;
const smallPrimes: readonly bigint[] = primesUpTo(LARGEST_SMALL_PRIME);
const smallPrimeProduct = smallPrimes.reduce((product, prime) => product * prime, 1n);

export const noSmallFactor: KeyCheck = ({ key }) => {
  if (key.kind !== 'rsa') return undefined;
  // One division by the product of all small primes, then cheap divisions of the small remainder.
  const remainder = unsignedBigInt(key.modulus) % smallPrimeProduct;
  const factor = smallPrimes.find((prime) => remainder % prime === 0n);
  if (factor === undefined) return undefined;
  return { code: 'rsa_small_factor', message: `The RSA modulus is divisible by ${factor}.` };
};

/**
 * The primes modulo which a key of the faulty Infineon library is a power of 65537 (Nemec et al., "The Return of
 * Coppersmith's Attack", 2017, section 2; CVE-2017-15361). A sound key passes as faulty once in about 2^27.
 */
const rocaPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157] as const;
const rocaResidues: readonly { prime: bigint; residues: ReadonlySet<bigint> }[] = rocaPrimes.map((prime) => ({
  prime: BigInt(prime),
  residues: powersOf(65537n, BigInt(prime)),
}));

export const notRoca: KeyCheck = ({ key }) => {
  if (key.kind !== 'rsa') return undefined;
  const modulus = unsignedBigInt(key.modulus);
  if (!rocaResidues.every(({ prime, residues }) => residues.has(modulus % prime))) return undefined;
  return { code: 'rsa_roca', message: 'The RSA key has the fingerprint of the ROCA weakness (CVE-2017-15361).' };
};

/** Enough to factor every key of the faulty libraries seen so far, which needed fewer than 20. */
const FERMAT_ROUNDS = 110;

/** Fermat's method: factors that are close together lie symmetrically around the root of the modulus. */
export const factorsFarApart: KeyCheck = ({ key }) => {
  if (key.kind !== 'rsa') return undefined;
  const modulus = unsignedBigInt(key.modulus);
  let middle = squareRootCeiling(modulus);
  let difference = middle * middle - modulus;
  for (let round = 0; round < FERMAT_ROUNDS; round += 1) {
    if (isPerfectSquare(difference)) {
      return { code: 'rsa_close_factors', message: 'The factors of the RSA modulus are too close together.' };
    }
    // (m+1)^2 - n = (m^2 - n) + 2m + 1
    difference += 2n * middle + 1n;
    middle += 1n;
  }
  return undefined;
};

function primesUpTo(limit: number): bigint[] {
  const candidates = Array.from({ length: limit - 2 }, (_, index) => index + 3);
  return candidates.filter((candidate) => isPrime(candidate)).map(BigInt);
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) {
    if (candidate % divisor === 0) return false;
  }
  return true;
}

function powersOf(base: bigint, modulus: bigint): ReadonlySet<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1n; !powers.has(power); power = (power * base) % modulus) powers.add(power);
  return powers;
}
