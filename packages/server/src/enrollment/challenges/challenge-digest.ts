/** What stands for a challenge in the database. */
import { createHmac, hkdfSync } from 'node:crypto';

/** The MAC of an endpoint's challenge, lower-case hex: found by itself, it needs no comparison. */
export type ChallengeDigest = (endpoint: string, challenge: string) => string;

/**
 * Without the key, which is derived from the master secret, the digests in the database do not even confirm a guess.
 *
 * @example
 * const digest = createChallengeDigest(masterSecret);
 * digest('printers', challenge);
 */
export function createChallengeDigest(masterSecret: string): ChallengeDigest {
  const key = Buffer.from(hkdfSync('sha256', masterSecret, '', 'scepter endpoint challenge digest', 32));
  // The names of endpoints have no NUL.
  return (endpoint, challenge) => createHmac('sha256', key).update(`${endpoint}\0${challenge}`, 'utf8').digest('hex');
}
