/** Steps 6 and 7: from checked contents to a stored certificate. */
import { composeTbsCertificate, lintTbsCertificate, newSerialNumber } from '@scepter/ca';
import type { CertificateContents } from '@scepter/ca';
import { formatName, thumbprint, toHex } from '@scepter/x509';
import type { Certificate, PublicKeyInfo } from '@scepter/x509';
import type { Intent, NewNotification, RequestIdentity, Store } from '../store/store.ts';
import type { CryptoWorkers, OpenedRequest } from '../workers/jobs.ts';
import type { AuthorizedRequest } from './authorize.ts';
import type { Endpoint } from './endpoint.ts';
import type { PolicyContext } from './policy.ts';
import { RefusalError } from './refusals.ts';
import { errorCode } from './steps.ts';

/** The request itself tells Intune at once; the outbox only takes over when that cannot be under way any more. */
const OUTBOX_DELAY_MS = 60_000;

export interface CertificateIssuerParts {
  readonly store: Pick<Store, 'recordIntent' | 'storeCertificate'>;
  readonly workers: CryptoWorkers;
  readonly issuer: Certificate;
  readonly forbiddenKeys: readonly PublicKeyInfo[];
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
}

export class CertificateIssuer {
  readonly #parts: CertificateIssuerParts;

  constructor(parts: CertificateIssuerParts) {
    this.#parts = parts;
  }

  policyContext(endpoint: Endpoint): PolicyContext {
    const { issuer, forbiddenKeys, now } = this.#parts;
    return { profile: endpoint.certificateProfile, issuer, forbiddenKeys, now: now() };
  }

  /**
   * Step 6. Durable before the CA key is used: a crash leaves a trace of what may have been signed. What the lints object
   * to gets no intent: it would hold the challenge for nothing.
   */
  async recordIntent(
    identity: RequestIdentity,
    authorized: AuthorizedRequest,
    contents: CertificateContents,
    endpoint: Endpoint,
  ): Promise<Intent> {
    const { issuer, now, randomBytes, store } = this.#parts;
    const serialNumber = newSerialNumber(randomBytes);
    const profile = endpoint.certificateProfile;
    const tbsCertificate = composeTbsCertificate({ contents, profile, issuer, serialNumber });
    const findings = lintTbsCertificate(tbsCertificate, { issuer, profile, contents });
    if (findings.length > 0)
      throw new RefusalError('issue.failed', { reason: findings.map(({ lint }) => lint).join(', ') });
    const intent: Intent = {
      identity,
      authorization: authorized.authorization,
      challengeDigest: authorized.challengeDigest,
      serialNumber: toHex(serialNumber).toUpperCase(),
      tbsCertificate,
      subject: formatName(contents.subject),
      notBefore: contents.notBefore,
      notAfter: contents.notAfter,
      recordedAt: now(),
    };
    const outcome = await store.recordIntent(intent);
    if (outcome === 'challenge-used') throw new RefusalError('authorization.challenge_used');
    if (outcome === 'already-issued') throw new RefusalError('issue.failed', { reason: outcome });
    return intent;
  }

  /** Step 7, first half. The worker lints again what it is about to sign: it trusts nobody's word for it. */
  async sign(intent: Intent, endpoint: Endpoint): Promise<Uint8Array> {
    const { workers } = this.#parts;
    try {
      return await workers.run('issue', {
        tbsCertificate: intent.tbsCertificate,
        profile: endpoint.certificateProfile,
      });
    } catch (cause) {
      throw new RefusalError('issue.failed', { reason: errorCode(cause), cause });
    }
  }

  /** Step 7, second half. One transaction: there is no stored certificate without its pending notification. */
  async store(intent: Intent, certificate: Uint8Array, request: OpenedRequest, endpoint: Endpoint): Promise<void> {
    const { now, store } = this.#parts;
    await store.storeCertificate({
      serialNumber: intent.serialNumber,
      certificate,
      storedAt: now(),
      notification: this.#successNotification(intent, certificate, request, endpoint),
    });
  }

  #successNotification(
    intent: Intent,
    certificate: Uint8Array,
    request: OpenedRequest,
    endpoint: Endpoint,
  ): NewNotification | undefined {
    if (intent.authorization.kind !== 'intune') return undefined;
    return {
      kind: 'success',
      connection: intent.authorization.connection,
      endpoint: endpoint.name,
      transactionId: intent.identity.transactionId,
      serialNumber: intent.serialNumber,
      firstAttemptAt: new Date(this.#parts.now().getTime() + OUTBOX_DELAY_MS),
      payload: {
        kind: 'success',
        certificateRequest: Buffer.from(request.certificationRequest).toString('base64'),
        certificateThumbprint: thumbprint(certificate, 'sha1'),
        certificateSerialNumber: intent.serialNumber,
        certificateExpirationDateUtc: intent.notAfter.toISOString(),
        issuingCertificateAuthority: formatName(this.#parts.issuer.subject),
      },
    };
  }
}
