/**
 * Step 4: who decides, and what was decided. Fails closed: whatever is not a clear yes is a refusal.
 *
 * Only this module can make an `AuthorizedRequest`, and only an `AuthorizedRequest` can be issued.
 */
import { IntuneRejectedError } from '@scepter/intune';
import { floorAllows, floorForSignatureAlone } from '@scepter/scep';
import {
  decodeCertificate,
  decodeCertificationRequest,
  decodeGeneralNames,
  equalBytes,
  findExtension,
  formatGeneralName,
  formatName,
  oid,
} from '@scepter/x509';
import type { Certificate, CertificationRequest, GeneralName } from '@scepter/x509';
import type { GrantedAuthorization, RequestIdentity, Store } from '../store/store.ts';
import type { OpenedRequest } from '../workers/jobs.ts';
import type { ChallengeDigests } from './challenges/challenge-digests.ts';
import type { ChallengeVerifier } from './challenges/challenge-verifier.ts';
import type { Authorizer, Endpoint } from './endpoint.ts';
import type { IntuneConnection } from './intune-connection.ts';
import { describeIntuneFailure } from './intune-failure.ts';
import { RefusalError } from './refusals.ts';

declare const granted: unique symbol;

/** A request that somebody entitled to said yes to. */
export interface AuthorizedRequest {
  readonly [granted]: true;
  readonly identity: RequestIdentity;
  readonly certificationRequest: CertificationRequest;
  readonly authorization: GrantedAuthorization;
  /** The certificate that is renewed. */
  readonly predecessor: Certificate | undefined;
}

/** A request that a person has to decide on, and has not yet. */
export interface UndecidedRequest extends Pick<AuthorizedRequest, 'identity' | 'certificationRequest' | 'predecessor'> {
  readonly authorization: undefined;
  readonly authorizer: Extract<Authorizer, { kind: 'manual' }>;
  /** Whether it waits already. */
  readonly isOnRecord: boolean;
}

export interface AuthorizationParts {
  readonly store: Pick<Store, 'findBySerialNumber' | 'findPendingRequest'>;
  readonly now: () => Date;
  readonly challengeDigests: Pick<ChallengeDigests, 'ofIntune'>;
  readonly challenges: Pick<ChallengeVerifier, 'verify'>;
}

export async function authorize(
  identity: RequestIdentity,
  request: OpenedRequest,
  endpoint: Endpoint,
  sender: { readonly address: string },
  parts: AuthorizationParts,
): Promise<AuthorizedRequest | UndecidedRequest> {
  const certificationRequest = decodeCertificationRequest(request.certificationRequest);
  if (isRenewal(request, endpoint)) {
    refuseWeakRenewal(request, endpoint);
    return authorizeRenewal(identity, request, certificationRequest, parts);
  }
  if (endpoint.authorizer.kind === 'manual') {
    return askPerson(identity, certificationRequest, endpoint.authorizer, parts);
  }
  const challenge = request.challengePassword;
  if (challenge === undefined || challenge === '') throw new RefusalError('authorization.challenge_missing');
  switch (endpoint.authorizer.kind) {
    case 'intune':
      return askIntune(identity, request, certificationRequest, challenge, endpoint.authorizer.connection, parts);
    case 'static-challenge':
    case 'one-time-challenge': {
      const { authorizer, name } = endpoint;
      const presented = { endpoint: name, authorizer, challenge, certificationRequest, address: sender.address };
      return grant({ identity, certificationRequest, authorization: await parts.challenges.verify(presented) });
    }
  }
}

/**
 * RFC 8894 2.4: a renewal proves itself by its signature. Several clients send it as PKCSReq, then without a challenge;
 * a PKCSReq with a challenge is decided by the challenge, whoever signed it.
 */
function isRenewal(request: OpenedRequest, endpoint: Endpoint): boolean {
  if (!endpoint.renewal) return false;
  return request.messageType === 'RenewalReq' || (request.signerIssuedByUs && !request.challengePassword);
}

/**
 * RFC 8894 7.9: algorithms that a challenge still makes up for are not enough where a signature is all there is. An
 * administrator of a legacy endpoint may say otherwise, in so many words.
 */
function refuseWeakRenewal({ address: { digest, contentCipher } }: OpenedRequest, { weakRenewal }: Endpoint): void {
  if (weakRenewal || floorAllows(floorForSignatureAlone, { digest, contentCipher })) return;
  throw new RefusalError('renewal.weak_algorithm', { reason: `${digest}, ${contentCipher}` });
}

/** A person's decision on this very request, if there is one yet. */
async function askPerson(
  identity: RequestIdentity,
  certificationRequest: CertificationRequest,
  authorizer: Extract<Authorizer, { kind: 'manual' }>,
  parts: AuthorizationParts,
): Promise<AuthorizedRequest | UndecidedRequest> {
  const found = await parts.store.findPendingRequest({ identity }, parts.now());
  if (found?.state === 'denied') throw new RefusalError('approval.denied');
  if (found?.state === 'approved') {
    return grant({ identity, certificationRequest, authorization: { kind: 'manual', pendingRequest: found.id } });
  }
  return {
    authorization: undefined,
    identity,
    certificationRequest,
    predecessor: undefined,
    authorizer,
    isOnRecord: found !== undefined,
  };
}

async function askIntune(
  identity: RequestIdentity,
  request: OpenedRequest,
  certificationRequest: CertificationRequest,
  challenge: string,
  connection: IntuneConnection,
  parts: AuthorizationParts,
): Promise<AuthorizedRequest> {
  // What Intune does not see it cannot compare with its profile.
  if (certificationRequest.extensionsWrapped) throw new RefusalError('authorization.ambiguous_request');
  const { activityId } = await connection.client
    .validateRequest({
      transactionId: request.address.transactionId,
      certificateRequest: Buffer.from(request.certificationRequest).toString('base64'),
    })
    .catch((error: unknown) => {
      throw intuneRefusal(error);
    });
  return grant({
    identity,
    certificationRequest,
    authorization: {
      kind: 'intune',
      connection: connection.name,
      activityId,
      challengeDigest: parts.challengeDigests.ofIntune(challenge),
    },
  });
}

function intuneRefusal(cause: unknown): RefusalError {
  const failure = describeIntuneFailure(cause);
  return cause instanceof IntuneRejectedError
    ? new RefusalError('authorization.intune_rejected', { ...failure, reason: cause.resultCode, cause })
    : new RefusalError('authorization.intune_unavailable', { ...failure, cause });
}

/** Only by a certificate that we issued for this endpoint, that was handed out, is valid and not revoked. */
async function authorizeRenewal(
  identity: RequestIdentity,
  request: OpenedRequest,
  certificationRequest: CertificationRequest,
  parts: AuthorizationParts,
): Promise<AuthorizedRequest> {
  const signer = decodeCertificate(request.address.signerCertificate, { rules: 'ber' });
  const enrollment = request.signerIssuedByUs ? await parts.store.findBySerialNumber(signer.serialHex) : undefined;
  if (
    enrollment?.certificate === undefined ||
    !equalBytes(enrollment.certificate, signer.encoded) ||
    enrollment.identity.endpoint !== identity.endpoint
  ) {
    throw new RefusalError('renewal.unknown_certificate');
  }
  if (enrollment.state !== 'released') throw new RefusalError('renewal.not_valid', { reason: enrollment.state });
  const now = parts.now();
  if (now < signer.notBefore || now > signer.notAfter)
    throw new RefusalError('renewal.not_valid', { reason: 'expired' });
  if (!asksForTheSameNames(certificationRequest, signer)) throw new RefusalError('renewal.other_names');
  return grant({
    identity,
    certificationRequest,
    authorization: { kind: 'renewal', replaces: signer.serialHex },
    predecessor: signer,
  });
}

/**
 * The same subject, letter for letter, and no alternative name that the certificate does not have. RFC 5280 7.1 takes names
 * for equal that differ in case, spaces or compatible characters (`ｄｃ` and `dc`); those who check certificates often do
 * not, and a renewal must not make of one name another one that nobody has authorized.
 */
function asksForTheSameNames(request: CertificationRequest, certificate: Certificate): boolean {
  const held = new Set(subjectAltNamesOf(certificate).map(formatGeneralName));
  return (
    formatName(request.subject) === formatName(certificate.subject) &&
    request.subjectAltNames.every((name) => held.has(formatGeneralName(name)))
  );
}

export function subjectAltNamesOf(certificate: Certificate): GeneralName[] {
  const extension = findExtension(certificate.extensions, oid.subjectAltName);
  return extension === undefined ? [] : decodeGeneralNames(extension.value);
}

function grant(yes: {
  identity: RequestIdentity;
  certificationRequest: CertificationRequest;
  authorization: GrantedAuthorization;
  predecessor?: Certificate;
}): AuthorizedRequest {
  const request: Omit<AuthorizedRequest, typeof granted> = {
    identity: yes.identity,
    certificationRequest: yes.certificationRequest,
    authorization: yes.authorization,
    predecessor: yes.predecessor,
  };
  // The brand exists for the type checker alone, and here is the one place that gives it.
  return request as AuthorizedRequest;
}
