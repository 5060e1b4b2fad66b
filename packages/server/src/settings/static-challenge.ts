/** The authorizer `static-challenge` of the configuration file, with the challenge that it refers to. */
import { parseChallengeHash } from '../challenge-hash.ts';
import type { ConfigurationFile } from './schema.ts';
import { readSecret } from './secrets.ts';
import type { Surroundings } from './secrets.ts';
import { SettingsError } from './settings.ts';
import type { AuthorizerSettings } from './settings.ts';

type EndpointForm = ConfigurationFile['endpoints'][string];
type StaticChallengeForm = Extract<EndpointForm['authorizer'], { kind: 'static-challenge' }>;

/** PKCS #9 allows 255. A shared challenge can be tried over the network. */
const challengeBounds = { minimumCharacters: 16, maximumCharacters: 255 };
/** Old clients take no more from their command lines. */
const legacyChallengeBounds = { ...challengeBounds, minimumCharacters: 8 };

/** @throws SettingsError when the challenge is not there, or the hash is none */
export function toStaticChallenge(
  path: string,
  { kind, challenge, challengeHash, expiresAt, maximumUses }: StaticChallengeForm,
  algorithms: EndpointForm['algorithms'],
  surroundings: Surroundings,
): Extract<AuthorizerSettings, { kind: 'static-challenge' }> {
  const bounds = algorithms === 'legacy' ? legacyChallengeBounds : challengeBounds;
  return {
    kind,
    challenge: challenge && readSecret(`${path}.challenge`, challenge, bounds, surroundings),
    challengeHash: challengeHash === undefined ? undefined : checkHash(`${path}.challengeHash`, challengeHash),
    expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
    maximumUses,
  };
}

function checkHash(path: string, text: string): string {
  if (parseChallengeHash(text) !== undefined) return text;
  throw new SettingsError('settings.invalid', path, `${path} must be a line that \`scepter challenge hash\` prints.`);
}
