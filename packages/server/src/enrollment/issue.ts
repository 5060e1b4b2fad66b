/** Steps 6 and 7: from checked contents to a stored certificate. */
import { composeTbsCertificate, lintTbsCertificate, newSerialNumber, profileOfGeneration } from '@scepter/ca';
import type { CertificateContents, CertificateProfile } from '@scepter/ca';
import { formatName, thumbprint, toHex } from '@scepter/x509';
import type {
  GrantedAuthorization,
  Intent,
  IntentOutcome,
  NewNotification,
  NotificationPayload,
  RequestIdentity,
  Store,
} from '../store/store.ts';
import type { CryptoWorkers, OpenedRequest } from '../workers/jobs.ts';
import type { AuthorizedRequest } from './authorize.ts';
import type { Endpoint } from './endpoint.ts';
import type { IssuingAuthorities, IssuingAuthority } from './issuing-authorities.ts';
import type { PolicyContext } from './policy.ts';
import { RefusalError } from './refusals.ts';
import type { RefusalCode } from './refusals.ts';
import { failurePayload, OUTBOX_DELAY_MS } from './notify.ts';
import { WorkerError } from '../workers/worker-error.ts';

declare const recorded: unique symbol;

/** What was good in step 4 and is not any more, or what somebody else was faster at. */
const refusalOf: Readonly<Record<Exclude<IntentOutcome, 'recorded'>, RefusalCode>> = {
  'challenge-used': 'authorization.challenge_used',
  'challenge-expired': 'authorization.challenge_expired',
  'challenge-revoked': 'authorization.challenge_revoked',
  'already-issued': 'enrollment.concurrent',
  'predecessor-not-valid': 'renewal.not_valid',
  'approval-not-valid': 'approval.not_valid',
};

/** An intent that is durable. Only `recordIntent` makes one, and only one of these is signed. */
export interface RecordedIntent extends Intent {
  readonly [recorded]: true;
  readonly profile: CertificateProfile;
  /** RFC 4514. */
  readonly issuer: string;
}

/**
 * Where a request is issued, the same for its policy and for its certificate: a rollover may be in between, and changes the
 * CA for later requests alone.
 */
export interface IssuingPlace {
  readonly endpoint: Endpoint;
  readonly authority: IssuingAuthority;
}

export interface ComposedCertificate {
  readonly serialNumber: Uint8Array;
  /** That of the CA's generation. */
  readonly profile: CertificateProfile;
  readonly tbsCertificate: Uint8Array;
}

export interface CertificateIssuerParts {
  readonly store: Pick<Store, 'recordIntent' | 'storeCertificate'>;
  readonly workers: CryptoWorkers;
  readonly authorities: Pick<IssuingAuthorities, 'forbiddenKeys'>;
  readonly now: () => Date;
  /** After this time without a certificate, Intune hears that an intent was abandoned. */
  readonly withheldClaimMs: number;
  readonly randomBytes: (size: number) => Uint8Array;
}

export class CertificateIssuer {
  readonly #parts: CertificateIssuerParts;

  constructor(parts: CertificateIssuerParts) {
    this.#parts = parts;
  }

  policyContext({ endpoint, authority }: IssuingPlace): PolicyContext {
    const { authorities, now } = this.#parts;
    return {
      profile: endpoint.certificateProfile,
      issuer: authority.certificate,
      forbiddenKeys: authorities.forbiddenKeys(),
      now: now(),
    };
  }

  /** What would be signed. @throws RefusalError when the lints object to it */
  compose(contents: CertificateContents, { endpoint, authority }: IssuingPlace): ComposedCertificate {
    const issuer = authority.certificate;
    const serialNumber = newSerialNumber(this.#parts.randomBytes);
    const profile = profileOfGeneration(endpoint.certificateProfile, authority.generation);
    const tbsCertificate = composeTbsCertificate({ contents, profile, issuer, serialNumber });
    const findings = lintTbsCertificate(tbsCertificate, { issuer, profile, contents });
    if (findings.length > 0) {
      throw new RefusalError('issue.failed', { reason: findings.map(({ lint }) => lint).join(', ') });
    }
    return { serialNumber, profile, tbsCertificate };
  }

  /**
   * Step 6. Durable before the CA key is used: a crash leaves a trace of what may have been signed. What the lints object
   * to gets no intent: it would hold the challenge for nothing.
   */
  async recordIntent(
    authorized: AuthorizedRequest,
    contents: CertificateContents,
    request: OpenedRequest,
    place: IssuingPlace,
  ): Promise<RecordedIntent> {
    const { now, store } = this.#parts;
    const { authority } = place;
    const { profile, serialNumber, tbsCertificate } = this.compose(contents, place);
    const { authorization, identity } = authorized;
    const intent: Intent = {
      identity,
      authority: authority.id,
      authorization,
      serialNumber: toHex(serialNumber).toUpperCase(),
      tbsCertificate,
      subject: formatName(contents.subject),
      notBefore: contents.notBefore,
      notAfter: contents.notAfter,
      recordedAt: now(),
      notification: this.#notification(identity, authorization, undefined, {
        payload: failurePayload('enrollment.abandoned', base64(request.certificationRequest)),
        delayMs: this.#parts.withheldClaimMs,
      }),
    };
    const outcome = await store.recordIntent(intent);
    if (outcome !== 'recorded') throw new RefusalError(refusalOf[outcome], { reason: 'when the intent was recorded' });
    // The brand exists for the type checker alone, and here is the one place that gives it.
    return { ...intent, profile, issuer: formatName(authority.certificate.subject) } as RecordedIntent;
  }

  /** Step 7, first half. The worker lints again what it is about to sign: it trusts nobody's word for it. */
  async sign({ authority, tbsCertificate, profile }: RecordedIntent): Promise<Uint8Array> {
    try {
      return await this.#parts.workers.run('issue', { authority, tbsCertificate, profile });
    } catch (cause) {
      // A lost worker is no refusal: the device may ask again.
      const isRefused = cause instanceof WorkerError && cause.code.startsWith('ca.');
      throw isRefused ? new RefusalError('issue.failed', { reason: cause.code, cause }) : cause;
    }
  }

  /** Step 7, second half. One transaction: there is no stored certificate without its pending notification. */
  async store(intent: RecordedIntent, certificate: Uint8Array, request: OpenedRequest): Promise<void> {
    const { now, store } = this.#parts;
    const { authorization, identity, notAfter, serialNumber } = intent;
    await store.storeCertificate({
      serialNumber,
      certificate,
      storedAt: now(),
      notification: this.#notification(identity, authorization, serialNumber, {
        payload: {
          kind: 'success',
          certificateRequest: base64(request.certificationRequest),
          certificateThumbprint: thumbprint(certificate, 'sha1'),
          certificateSerialNumber: serialNumber,
          certificateExpirationDateUtc: notAfter.toISOString(),
          issuingCertificateAuthority: intent.issuer,
        },
        delayMs: OUTBOX_DELAY_MS,
      }),
    });
  }

  /** Undefined where Intune has nothing to do with it. */
  #notification(
    { endpoint, transactionId }: RequestIdentity,
    authorization: GrantedAuthorization,
    serialNumber: string | undefined,
    { payload, delayMs }: { payload: NotificationPayload | undefined; delayMs: number },
  ): NewNotification | undefined {
    if (authorization.kind !== 'intune' || payload === undefined) return undefined;
    const { connection } = authorization;
    const firstAttemptAt = new Date(this.#parts.now().getTime() + delayMs);
    return { kind: payload.kind, connection, endpoint, transactionId, serialNumber, payload, firstAttemptAt };
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
