/** The store's part for challenges that are made at run time, and for the uses of those and of configured ones. */

/** `one-time`: for one certificate. `static`: for several devices, until it expires or its uses are used up. */
export type IssuedChallengeKind = 'one-time' | 'static';

/** Nothing in it allows to guess the challenge. */
export interface IssuedChallenge {
  /** 16 lower-case hex digits; no secret. */
  readonly id: string;
  /** The endpoint that takes it; no other does. */
  readonly endpoint: string;
  readonly kind: IssuedChallengeKind;
  /** What the administrator calls it. */
  readonly label: string | undefined;
  readonly binding: ChallengeBinding | undefined;
  readonly createdAt: Date;
  /** Who made it: the name of a token. */
  readonly createdBy: string;
  readonly expiresAt: Date;
  /** Undefined: any number until it expires. */
  readonly maximumUses: number | undefined;
  /** Requests that it has served. */
  readonly uses: number;
  readonly revocation: ChallengeRevocation | undefined;
}

export interface ChallengeRevocation {
  readonly at: Date;
  /** Who did it: the name of a token. */
  readonly by: string;
}

/** The only name that a request with this challenge may ask for. */
export interface ChallengeBinding {
  /** RFC 4514. */
  readonly subject: string;
  /** As `formatGeneralName` writes them; a request may ask for some of these, and for no others. */
  readonly subjectAltNames: readonly string[];
}

export interface NewIssuedChallenge extends Omit<IssuedChallenge, 'uses' | 'revocation'> {
  /** MAC of endpoint and challenge, lower-case hex. */
  readonly digest: string;
}

/** What an intent uses up: a challenge made at run time, or a configured one, by its MAC, whose uses are limited. */
export type ChallengeUse =
  | { readonly kind: 'issued'; readonly id: string }
  | { readonly kind: 'configured'; readonly digest: string; readonly maximumUses: number };

export interface IssuedChallengeFilter {
  readonly endpoint?: string | undefined;
  readonly limit: number;
}

export type RevokedChallenge = 'revoked' | 'revoked-before' | 'unknown';

export interface IssuedChallengeStore {
  /** Also forgets some of the challenges that expired long ago, so that they do not pile up. */
  addIssuedChallenge(challenge: NewIssuedChallenge): Promise<void>;
  findIssuedChallenge(digest: string): Promise<IssuedChallenge | undefined>;
  /** The newest first. */
  listIssuedChallenges(filter: IssuedChallengeFilter): Promise<IssuedChallenge[]>;
  /** What it was used for stays valid; it serves no other request. */
  revokeIssuedChallenge(id: string, revocation: ChallengeRevocation): Promise<RevokedChallenge>;
}
