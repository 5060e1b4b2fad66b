/** Challenges made at run time: what an administrator or an MDM does with them. */
import { decodeGeneralNames, encodeGeneralNames, formatGeneralName, formatName, parseName } from '@scepter/x509';
import type {
  ChallengeBinding,
  IssuedChallenge,
  IssuedChallengeFilter,
  IssuedChallengeKind,
  IssuedChallengeStore,
  RevokedChallenge,
} from '../../store/issued-challenges.ts';
import type { Authorizer } from '../endpoint.ts';
import type { ChallengeDigests } from './challenge-digests.ts';

export interface ChallengeOrder {
  readonly endpoint: string;
  readonly kind: IssuedChallengeKind;
  readonly validForSeconds: number;
  /** Only of a `static` one; it may be left out. */
  readonly maximumUses?: number | undefined;
  readonly binding?: ChallengeBinding | undefined;
  readonly label?: string | undefined;
}

/** The one time that the challenge is told. */
export interface NewChallenge extends Omit<IssuedChallenge, 'uses' | 'revocation'> {
  /** 43 characters, base64url. */
  readonly challenge: string;
}

export type ChallengeOrderErrorCode =
  | 'challenge.unknown_endpoint'
  | 'challenge.not_taken'
  | 'challenge.valid_for_too_long'
  | 'challenge.maximum_uses'
  | 'challenge.bad_subject'
  | 'challenge.bad_alternative_name';

/** No such challenge can be made. */
export class ChallengeOrderError extends Error {
  readonly code: ChallengeOrderErrorCode;

  constructor(code: ChallengeOrderErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ChallengeOrderError';
    this.code = code;
  }
}

export interface IssuedChallengesParts {
  readonly store: IssuedChallengeStore;
  /** Kinds of authorizers by the names of their endpoints. */
  readonly authorizers: ReadonlyMap<string, Authorizer['kind']>;
  readonly digests: Pick<ChallengeDigests, 'ofEndpoint'>;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
}

const DAY_SECONDS = 86_400;
/** A challenge on its way to one device need not live long; one that many use must not live for ever. */
export const longestValiditySeconds = { 'one-time': 30 * DAY_SECONDS, static: 366 * DAY_SECONDS } as const;

/** Which challenges an endpoint takes, by its authorizer. */
const takenBy: Readonly<Record<Authorizer['kind'], readonly IssuedChallengeKind[]>> = {
  'static-challenge': ['one-time', 'static'],
  'one-time-challenge': ['one-time'],
  intune: [],
  manual: [],
};

export class IssuedChallenges {
  readonly #parts: IssuedChallengesParts;

  constructor(parts: IssuedChallengesParts) {
    this.#parts = parts;
  }

  /**
   * @param createdBy the name of whoever ordered it
   * @throws ChallengeOrderError
   */
  async create(order: ChallengeOrder, createdBy: string): Promise<NewChallenge> {
    const { store, digests, now, randomBytes } = this.#parts;
    this.#checkEndpoint(order);
    const binding = order.binding === undefined ? undefined : canonicalBinding(order.binding);
    const createdAt = now();
    const challenge = Buffer.from(randomBytes(32)).toString('base64url');
    const created = {
      id: Buffer.from(randomBytes(8)).toString('hex'),
      endpoint: order.endpoint,
      kind: order.kind,
      label: order.label,
      binding,
      createdAt,
      createdBy,
      expiresAt: new Date(createdAt.getTime() + 1000 * order.validForSeconds),
      maximumUses: maximumUsesOf(order),
    };
    await store.addIssuedChallenge({ ...created, digest: digests.ofEndpoint(order.endpoint, challenge) });
    return { ...created, challenge };
  }

  list(filter: IssuedChallengeFilter): Promise<IssuedChallenge[]> {
    return this.#parts.store.listIssuedChallenges(filter);
  }

  /** @param by the name of whoever does it */
  revoke(id: string, by: string): Promise<RevokedChallenge> {
    return this.#parts.store.revokeIssuedChallenge(id, { at: this.#parts.now(), by });
  }

  #unknownEndpoint(endpoint: string): string {
    const names = [...this.#parts.authorizers].filter(([, kind]) => takenBy[kind].length > 0).map(([name]) => name);
    const known = names.length === 0 ? 'none' : names.slice(0, MOST_NAMES).join(', ');
    return `There is no endpoint "${endpoint}"; those that take challenges: ${known}.`;
  }

  #checkEndpoint({ endpoint, kind, validForSeconds }: ChallengeOrder): void {
    const authorizer = this.#parts.authorizers.get(endpoint);
    if (authorizer === undefined) {
      throw new ChallengeOrderError('challenge.unknown_endpoint', this.#unknownEndpoint(endpoint));
    }
    if (!takenBy[authorizer].includes(kind)) {
      const message = `The endpoint "${endpoint}" takes no challenge of the kind "${kind}": its authorizer is "${authorizer}".`;
      throw new ChallengeOrderError('challenge.not_taken', message);
    }
    if (validForSeconds > longestValiditySeconds[kind]) {
      const days = longestValiditySeconds[kind] / DAY_SECONDS;
      const message = `A challenge of the kind "${kind}" is valid for ${days} days at most.`;
      throw new ChallengeOrderError('challenge.valid_for_too_long', message);
    }
  }
}

/** In messages. */
const MOST_NAMES = 10;

function maximumUsesOf({ kind, maximumUses }: ChallengeOrder): number | undefined {
  if (kind === 'static') return maximumUses;
  if (maximumUses === undefined || maximumUses === 1) return 1;
  throw new ChallengeOrderError('challenge.maximum_uses', 'A challenge of the kind "one-time" has one use.');
}

/** As a request's names are written when they are compared. */
function canonicalBinding({ subject, subjectAltNames }: ChallengeBinding): ChallengeBinding {
  try {
    return {
      subject: formatName(parseName(subject)),
      subjectAltNames: subjectAltNames.map(canonicalAlternativeName),
    };
  } catch (cause) {
    if (cause instanceof ChallengeOrderError) throw cause;
    const reason = cause instanceof Error ? cause.message : 'malformed';
    throw new ChallengeOrderError('challenge.bad_subject', `The subject is no name as in RFC 4514: ${reason}`, {
      cause,
    });
  }
}

const alternativeNameKinds = { DNS: 'dns', EMAIL: 'email', UPN: 'upn', URI: 'uri', IP: 'ip' } as const;

/** Encoded and decoded, as a request's are: an IPv6 address can be written in many ways. */
function canonicalAlternativeName(text: string): string {
  const [, prefix = '', value = ''] = /^([A-Za-z]+):(.+)$/s.exec(text) ?? [];
  const kind = Object.entries(alternativeNameKinds).find(([name]) => name === prefix.toUpperCase())?.[1];
  try {
    if (kind !== undefined)
      return decodeGeneralNames(encodeGeneralNames([{ kind, value }]))
        .map(formatGeneralName)
        .join();
  } catch {
    // Not a name of its kind: told below.
  }
  throw new ChallengeOrderError(
    'challenge.bad_alternative_name',
    `${JSON.stringify(text)} is no alternative name: it is written with its kind, DNS:…, email:…, UPN:…, URI:… or IP:…`,
  );
}
