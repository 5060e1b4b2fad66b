/** A challenge of the configuration, shared by all devices of an endpoint. Kept as a MAC or a hash, never in the clear. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { matchesHash } from '../../challenge-hash.ts';
import type { ChallengeHash } from '../../challenge-hash.ts';

export interface ConfiguredChallenge {
  /**
   * Compares; the time it takes tells nothing of how much was right. 'busy' when too many ask at once for a comparison
   * that takes long.
   */
  readonly accepts: (candidate: string) => Promise<boolean | 'busy'>;
  readonly expiresAt: Date | undefined;
  readonly maximumUses: number | undefined;
}

export interface ChallengeLimits {
  readonly expiresAt?: Date | undefined;
  readonly maximumUses?: number | undefined;
}

type RandomBytes = (size: number) => Uint8Array;

/** Comparisons with a hash that may wait for each other. Each takes some 60 ms and 32 MB, one after the other. */
const WAITING_COMPARISONS = 16;

export function challengeInTheClear(
  challenge: string,
  limits: ChallengeLimits,
  randomBytes: RandomBytes,
): ConfiguredChallenge {
  const mac = macUnder(randomBytes(32));
  const expected = mac(challenge);
  return {
    accepts: async (candidate) => timingSafeEqual(mac(candidate), expected),
    expiresAt: limits.expiresAt,
    maximumUses: limits.maximumUses,
  };
}

/**
 * The first right challenge costs a hash; its MAC then settles every later comparison, so that devices do not wait and
 * wrong guesses cost nothing. Until then guesses wait in a short queue, and no two are hashed at a time.
 */
export function challengeAsHash(
  hash: ChallengeHash,
  limits: ChallengeLimits,
  randomBytes: RandomBytes,
): ConfiguredChallenge {
  const mac = macUnder(randomBytes(32));
  let known: Uint8Array | undefined;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  const compare = async (candidate: string): Promise<boolean> => {
    const candidateMac = mac(candidate);
    // While this one waited, another may have found it.
    if (known !== undefined) return timingSafeEqual(candidateMac, known);
    const isRight = await matchesHash(candidate, hash);
    if (isRight) known = candidateMac;
    return isRight;
  };
  const accepts = async (candidate: string): Promise<boolean | 'busy'> => {
    if (known !== undefined) return compare(candidate);
    if (waiting >= WAITING_COMPARISONS) return 'busy';
    waiting += 1;
    const turn = last.then(() => compare(candidate));
    last = turn.catch(() => undefined);
    return turn.finally(() => (waiting -= 1));
  };
  return { accepts, expiresAt: limits.expiresAt, maximumUses: limits.maximumUses };
}

function macUnder(key: Uint8Array): (text: string) => Uint8Array {
  return (text) => createHmac('sha256', key).update(text, 'utf8').digest();
}
