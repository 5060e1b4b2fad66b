/** The part of the composition root that makes challenges: those of the configuration, and those made at run time. */
import { AttemptLimiter } from '../attempt-limiter.ts';
import { parseChallengeHash } from '../challenge-hash.ts';
import { createChallengeDigests } from '../enrollment/challenges/challenge-digests.ts';
import type { ChallengeDigests } from '../enrollment/challenges/challenge-digests.ts';
import { ChallengeVerifier } from '../enrollment/challenges/challenge-verifier.ts';
import type { ChallengeAuthorizer } from '../enrollment/challenges/challenge-verifier.ts';
import { challengeAsHash, challengeInTheClear } from '../enrollment/challenges/configured-challenge.ts';
import type { ConfiguredChallenge } from '../enrollment/challenges/configured-challenge.ts';
import { IssuedChallenges } from '../enrollment/challenges/issued-challenges.ts';
import type { Events } from '../events.ts';
import type { AuthorizerSettings, Settings } from '../settings/settings.ts';
import type { Store } from '../store/store.ts';

export interface ChallengesOptions {
  readonly settings: Settings;
  readonly store: Store;
  readonly masterSecret: string;
  readonly events: Events;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
}

const WRONG_CHALLENGES_WINDOW_MS = 10 * 60_000;
/** Each takes eight bytes an attempt: 5 MB for all with the default limit. */
const WRONG_CHALLENGES_CLIENTS = 10_000;

export interface Challenges {
  readonly digests: ChallengeDigests;
  /** Decides about them. */
  readonly verifier: ChallengeVerifier;
  /** Makes and revokes them. */
  readonly issued: IssuedChallenges;
}

export function openChallenges({
  settings,
  store,
  masterSecret,
  events,
  now,
  randomBytes,
}: ChallengesOptions): Challenges {
  const digests = createChallengeDigests(masterSecret);
  const wrongChallenges = new AttemptLimiter({
    attempts: settings.limits.wrongChallengesPerAddress,
    windowMs: WRONG_CHALLENGES_WINDOW_MS,
    keys: WRONG_CHALLENGES_CLIENTS,
    now,
  });
  const authorizers = new Map(settings.endpoints.map(({ name, authorizer }) => [name, authorizer.kind]));
  return {
    digests,
    verifier: new ChallengeVerifier({
      store,
      digests,
      wrongChallenges,
      onLimited: (limited) => events.challengesLimited(limited),
      now,
    }),
    issued: new IssuedChallenges({ store, authorizers, digests, now, randomBytes }),
  };
}

/** An authorizer that decides by challenges, as an endpoint has it. */
export function openChallengeAuthorizer(
  settings: Extract<AuthorizerSettings, { kind: ChallengeAuthorizer['kind'] }>,
  randomBytes: (size: number) => Uint8Array,
): ChallengeAuthorizer {
  if (settings.kind === 'one-time-challenge') return { kind: settings.kind };
  return { kind: settings.kind, configured: openConfigured(settings, randomBytes) };
}

function openConfigured(
  settings: Extract<AuthorizerSettings, { kind: 'static-challenge' }>,
  randomBytes: (size: number) => Uint8Array,
): ConfiguredChallenge | undefined {
  const { challenge, challengeHash } = settings;
  if (challenge !== undefined) return challengeInTheClear(challenge, settings, randomBytes);
  if (challengeHash === undefined) return undefined;
  const hash = parseChallengeHash(challengeHash);
  if (hash === undefined) throw new Error('A challenge hash is malformed: the settings were not checked.');
  return challengeAsHash(hash, settings, randomBytes);
}
