/**
 * A challenge as a hash, so that a configuration need not hold it nor lead to it: scrypt (RFC 7914) in the PHC string
 * format, `$scrypt$ln=15,r=8,p=1$SALT$HASH`, salt and hash in base64 without padding.
 *
 * A challenge that people make up can be guessed from a fast hash; this one costs 32 MB and some 60 ms a guess.
 */
import { scrypt, timingSafeEqual } from 'node:crypto';

export interface ChallengeHash {
  /** N is 2 to the power of it. */
  readonly costExponent: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

const DEFAULT_COST = { costExponent: 15, blockSize: 8, parallelization: 1 } as const;
/** Less is too easy to guess; more would hold up devices, and the memory of small machines. */
const COST_EXPONENTS = { minimum: 14, maximum: 18 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const pattern = /^\$scrypt\$ln=(\d{1,2}),r=8,p=1\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43})$/;

/** Undefined for what is no such string, or one whose costs are out of bounds. */
export function parseChallengeHash(text: string): ChallengeHash | undefined {
  const [, exponent = '', salt = '', hash = ''] = pattern.exec(text) ?? [];
  const costExponent = Number(exponent);
  if (costExponent < COST_EXPONENTS.minimum || costExponent > COST_EXPONENTS.maximum) return undefined;
  const bytes = { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
  return bytes.hash.length === HASH_BYTES ? { ...DEFAULT_COST, costExponent, ...bytes } : undefined;
}

/**
 * @param challenge as devices send it
 * @returns the string for `challengeHash` in the configuration
 * @example
 * await hashChallenge('correct horse battery staple', randomBytes); // '$scrypt$ln=15,r=8,p=1$…'
 */
export async function hashChallenge(challenge: string, randomBytes: (size: number) => Uint8Array): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(challenge, { ...DEFAULT_COST, salt });
  const { costExponent, blockSize, parallelization } = DEFAULT_COST;
  return `$scrypt$ln=${costExponent},r=${blockSize},p=${parallelization}$${base64(salt)}$${base64(hash)}`;
}

/** Takes the time of a hash, in another thread, whatever comes of it. */
export async function matchesHash(challenge: string, expected: ChallengeHash): Promise<boolean> {
  return timingSafeEqual(await derive(challenge, expected), expected.hash);
}

function derive(challenge: string, cost: Omit<ChallengeHash, 'hash'>): Promise<Uint8Array> {
  const { costExponent, blockSize, parallelization, salt } = cost;
  const options = {
    N: 2 ** costExponent,
    r: blockSize,
    p: parallelization,
    // What the algorithm takes is 128 N r; Node counts some more.
    maxmem: 256 * 2 ** costExponent * blockSize,
  };
  return new Promise((resolve, reject) => {
    scrypt(challenge, salt, HASH_BYTES, options, (error, derived) =>
      error === null ? resolve(derived) : reject(error),
    );
  });
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
