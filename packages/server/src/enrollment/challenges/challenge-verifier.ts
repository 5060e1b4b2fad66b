/** Step 4 where a challenge decides: whether it is one of this endpoint's, and good for this request. */
import { formatGeneralName, formatName, namesEqual, parseName } from '@scepter/x509';
import type { CertificationRequest, Name } from '@scepter/x509';
import type { AttemptLimiter } from '../../attempt-limiter.ts';
import type { IssuedChallenge, IssuedChallengeStore } from '../../store/issued-challenges.ts';
import type { GrantedAuthorization } from '../../store/store.ts';
import { RefusalError } from '../refusals.ts';
import type { ChallengeDigests } from './challenge-digests.ts';
import { clientNetwork } from '../sender.ts';
import type { ConfiguredChallenge } from './configured-challenge.ts';

export type ChallengeAuthorizer =
  | { readonly kind: 'static-challenge'; readonly configured: ConfiguredChallenge | undefined }
  | { readonly kind: 'one-time-challenge' };

export interface PresentedChallenge {
  readonly endpoint: string;
  readonly authorizer: ChallengeAuthorizer;
  readonly challenge: string;
  readonly certificationRequest: CertificationRequest;
  /** Of the client. */
  readonly address: string | undefined;
}

/** A yes, which recording the intent makes final: that is where uses are counted. */
export type AcceptedChallenge = Extract<GrantedAuthorization, { kind: ChallengeAuthorizer['kind'] }>;

export interface ChallengeVerifierParts {
  readonly store: Pick<IssuedChallengeStore, 'findIssuedChallenge'>;
  readonly digests: Pick<ChallengeDigests, 'ofEndpoint'>;
  /** Of wrong challenges, by endpoint and client. */
  readonly wrongChallenges: AttemptLimiter;
  /** Hears once when a client has used up its attempts. */
  readonly onLimited: (limited: { readonly endpoint: string; readonly address: string | undefined }) => void;
  readonly now: () => Date;
}

export class ChallengeVerifier {
  readonly #parts: ChallengeVerifierParts;

  constructor(parts: ChallengeVerifierParts) {
    this.#parts = parts;
  }

  /** @throws RefusalError, which all look the same to the device */
  async verify(presented: PresentedChallenge): Promise<AcceptedChallenge> {
    // What was made at run time is 32 random bytes: nobody guesses it, and no limit need keep its holder out.
    const digest = this.#parts.digests.ofEndpoint(presented.endpoint, presented.challenge);
    const issued = await this.#parts.store.findIssuedChallenge(digest);
    if (issued !== undefined) return this.#acceptIssued(issued, presented);
    const { authorizer, endpoint, address } = presented;
    const client = `${endpoint} ${clientNetwork(address)}`;
    if (this.#parts.wrongChallenges.isOver(client)) throw new RefusalError('authorization.challenge_rate_limited');
    const configured = authorizer.kind === 'static-challenge' ? authorizer.configured : undefined;
    const isRight = (await configured?.accepts(presented.challenge)) ?? false;
    if (isRight === 'busy') throw new RefusalError('authorization.challenge_rate_limited', { reason: 'busy' });
    if (configured !== undefined && isRight) return this.#acceptConfigured(configured, digest);
    if (this.#parts.wrongChallenges.count(client)) this.#parts.onLimited({ endpoint, address });
    throw new RefusalError('authorization.challenge_wrong');
  }

  #acceptIssued(issued: IssuedChallenge, { authorizer, certificationRequest }: PresentedChallenge): AcceptedChallenge {
    if (authorizer.kind === 'one-time-challenge' && issued.kind !== 'one-time') {
      throw new RefusalError('authorization.challenge_wrong', { reason: `${issued.id} is ${issued.kind}` });
    }
    const reason = issued.id;
    if (issued.revocation !== undefined) throw new RefusalError('authorization.challenge_revoked', { reason });
    if (issued.expiresAt <= this.#parts.now()) throw new RefusalError('authorization.challenge_expired', { reason });
    if (!isBoundTo(issued, certificationRequest)) {
      throw new RefusalError('authorization.challenge_other_name', { reason });
    }
    return { kind: authorizer.kind, challengeUse: { kind: 'issued', id: issued.id } };
  }

  #acceptConfigured({ expiresAt, maximumUses }: ConfiguredChallenge, digest: string): AcceptedChallenge {
    if (expiresAt !== undefined && expiresAt <= this.#parts.now()) {
      throw new RefusalError('authorization.challenge_expired', { reason: 'the configured one' });
    }
    return {
      kind: 'static-challenge',
      challengeUse: maximumUses === undefined ? undefined : { kind: 'configured', digest, maximumUses },
    };
  }
}

/** The same subject, and no alternative name beyond those that the challenge was made for. */
function isBoundTo({ binding }: IssuedChallenge, request: CertificationRequest): boolean {
  if (binding === undefined) return true;
  const allowed = new Set(binding.subjectAltNames);
  return (
    isSubjectAsOrdered(parseName(binding.subject), request.subject) &&
    request.subjectAltNames.every((name) => allowed.has(formatGeneralName(name)))
  );
}

/**
 * The case of ASCII letters may differ, and how an accent is composed. RFC 5280 7.1 would also take `ｄｃ` for `dc`, which
 * those who check certificates may read as two names. What differs by more is settled first: normalising long text is slow.
 */
function isSubjectAsOrdered(ordered: Name, requested: Name): boolean {
  return namesEqual(ordered, requested) && comparable(ordered) === comparable(requested);
}

function comparable(subject: Name): string {
  return formatName(subject)
    .normalize('NFC')
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
