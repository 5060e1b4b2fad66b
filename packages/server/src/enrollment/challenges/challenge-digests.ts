/** What stands for a challenge in the database: it is found by itself, which needs no comparison. */
import { createHmac, hkdfSync } from 'node:crypto';

/** MACs, lower-case hex. */
export interface ChallengeDigests {
  /** Of a challenge that Intune made. It is good once, at whichever endpoint. */
  readonly ofIntune: (challenge: string) => string;
  /** Of a challenge that an endpoint takes: at another endpoint it is another one. */
  readonly ofEndpoint: (endpoint: string, challenge: string) => string;
}

/**
 * Without the keys, which are derived from the master secret, the digests in the database do not even confirm a guess.
 *
 * @example
 * const digests = createChallengeDigests(masterSecret);
 * digests.ofEndpoint('printers', challenge);
 */
export function createChallengeDigests(masterSecret: string): ChallengeDigests {
  const ofIntune = macUnder(masterSecret, 'scepter challenge digest');
  const ofEndpoint = macUnder(masterSecret, 'scepter endpoint challenge digest');
  return {
    ofIntune: (challenge) => ofIntune(canonicalChallenge(challenge)),
    // The names of endpoints have no NUL.
    ofEndpoint: (endpoint, challenge) => ofEndpoint(Buffer.from(`${endpoint}\0${challenge}`, 'utf8')),
  };
}

function macUnder(masterSecret: string, purpose: string): (bytes: Uint8Array) => string {
  const key = Buffer.from(hkdfSync('sha256', masterSecret, '', purpose, 32));
  return (bytes) => createHmac('sha256', key).update(bytes).digest('hex');
}

/**
 * The bytes that Intune's challenge stands for. It is base64, and readers of base64 skip white space and ignore spare bits:
 * the same challenge written differently must not serve a second request.
 */
function canonicalChallenge(challenge: string): Uint8Array {
  const compact = challenge.replaceAll(/\s/g, '');
  return /^[A-Za-z0-9+/_-]+=*$/.test(compact) ? Buffer.from(compact, 'base64') : Buffer.from(compact, 'utf8');
}
