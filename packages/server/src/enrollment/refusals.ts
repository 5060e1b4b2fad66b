/**
 * Every reason not to issue: what the device sees, what Intune hears, what the operator reads. `docs/errors.md` carries
 * the same table, and a test holds the two together.
 */
import { hResults } from '@scepter/intune';
import type { FailInfo } from '@scepter/scep';

interface RefusalDefinition {
  /** All the device learns. */
  readonly failInfo: FailInfo;
  /**
   * What Intune is told, and undefined where it must not be told: its own verdict needs no report (Microsoft: not for
   * exceptions of the library), nothing was validated yet, or the transaction belongs to somebody else.
   */
  readonly hResult: number | undefined;
  /**
   * What a person at the device may read of it (RFC 8894 3.2.1.4), where that says nothing of what is inside an envelope:
   * whoever captured one and signs it anew must always get the same answer.
   */
  readonly failInfoText?: string;
  /** For the operator: what happened and what to do, without a word from the request. */
  readonly explanation: string;
}

export const refusals = {
  'message.unknown_type': {
    failInfo: 'badRequest',
    hResult: undefined,
    failInfoText: 'The message type is not one of RFC 8894.',
    explanation: 'The message type is missing, doubled or not one of RFC 8894.',
  },
  'message.weak_algorithm': {
    failInfo: 'badAlg',
    hResult: undefined,
    failInfoText: 'The digest or cipher is not accepted here.',
    explanation:
      'The digest or cipher is below the endpoint\'s floor. Old clients belong on an endpoint with the floor "legacy".',
  },
  'message.signer_key': {
    failInfo: 'badAlg',
    hResult: undefined,
    failInfoText: "The signer's key is not accepted here.",
    explanation:
      "The signer's key is of a kind, size or form that is not used: RSA has 1024 to 8192 bits and a sound exponent, EC a point on P-256, P-384 or P-521.",
  },
  'message.bad_signature': {
    failInfo: 'badMessageCheck',
    hResult: undefined,
    failInfoText: 'The signature of the message does not verify.',
    explanation: 'The signature of the SCEP message does not verify.',
  },
  'message.recipient_key': {
    failInfo: 'badAlg',
    hResult: undefined,
    explanation:
      "The reply cannot be encrypted: the signer's key is not RSA, and there is no challenge of at least 16 characters to encrypt it under.",
  },
  'message.sealed_content': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation:
      'What is inside the envelope cannot be used: encrypted for another certificate, damaged, not a certification request, wrongly signed, or not for the key that signed the message.',
  },
  'query.unknown_transaction': {
    failInfo: 'badCertId',
    hResult: undefined,
    failInfoText: 'There is no such transaction.',
    explanation: 'The device polls for a request that this endpoint does not have from its key.',
  },
  'query.unknown_certificate': {
    failInfo: 'badCertId',
    hResult: undefined,
    failInfoText: 'There is no such certificate.',
    explanation: 'The certificate that is asked for was not handed out by this endpoint, or is revoked.',
  },
  'query.unknown_authority': {
    failInfo: 'badCertId',
    hResult: undefined,
    failInfoText: 'There is no CRL of this issuer.',
    explanation: 'The issuer whose CRL is asked for is none of ours, or has no CRL yet.',
  },
  'approval.denied': {
    failInfo: 'badRequest',
    hResult: undefined,
    failInfoText: 'The request was denied.',
    explanation: 'An administrator denied this very request. The device has to enroll with a new one.',
  },
  'approval.not_valid': {
    failInfo: 'badRequest',
    hResult: undefined,
    failInfoText: 'The request has ended.',
    explanation:
      'Nobody decided on the request in time, or its approval was withdrawn, has ended or has served a certificate already. The device has to send its request again.',
  },
  'approval.too_many_pending': {
    failInfo: 'badRequest',
    hResult: undefined,
    failInfoText: 'Too many requests wait for approval.',
    explanation:
      'The endpoint keeps no more requests that wait for approval (authorizer.pendingRequests), or no more from this address (authorizer.pendingRequestsPerAddress). Decide on some, and find out who sends so many.',
  },
  'enrollment.revoked': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'The certificate of this very request is revoked. The device has to enroll with a new request.',
  },
  'enrollment.unclaimed': {
    failInfo: 'badRequest',
    hResult: hResults.CERTSRV_E_BAD_REQUESTSTATUS,
    explanation: 'Nobody came for the withheld certificate in time. It is revoked.',
  },
  'enrollment.abandoned': {
    failInfo: 'badRequest',
    hResult: hResults.E_FAIL,
    explanation: 'Issuing was interrupted here, and the device did not ask again.',
  },
  'enrollment.concurrent': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation:
      'The same request was answered elsewhere at the same time. The device gets that certificate when it asks again.',
  },
  'authorization.challenge_missing': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'The request carries no challenge and is not a renewal that this endpoint allows.',
  },
  'authorization.challenge_wrong': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: "The challenge is not this endpoint's.",
  },
  'authorization.challenge_used': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation:
      'The challenge has served another request already, or as many as it may. Reuse can be a sign of theft.',
  },
  'authorization.challenge_expired': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'The challenge was good, and is not any more. Make a new one, or set a later expiresAt.',
  },
  'authorization.challenge_revoked': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'An administrator has revoked the challenge.',
  },
  'authorization.challenge_other_name': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation:
      'The challenge was made for another subject, or the request asks for alternative names that it was not made for. It may have been stolen.',
  },
  'authorization.challenge_rate_limited': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation:
      'Too many wrong challenges came from this address lately (limits.wrongChallengesPerAddress), or too many came at once while the configured one is known only by its hash: it was not compared.',
  },
  'authorization.ambiguous_request': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'The request wraps its extensions in a way that Intune may read differently than we do.',
  },
  'authorization.intune_rejected': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'Intune validated the request and said no. The reason is its result code.',
  },
  'authorization.intune_unavailable': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'Intune could not be asked, so nothing is issued. The device will try again.',
  },
  'renewal.unknown_certificate': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'The certificate that signed the renewal was not issued here, or for another endpoint.',
  },
  'renewal.not_valid': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'The certificate that signed the renewal is expired, not valid yet, revoked or was never handed out.',
  },
  'renewal.weak_algorithm': {
    failInfo: 'badAlg',
    hResult: undefined,
    failInfoText: 'A renewal needs AES and SHA-2.',
    explanation:
      'Nothing but a signature authorizes a renewal, and SHA-1, MD5, DES and triple DES are too weak for that (RFC 8894 7.9). Let the device enroll anew with a challenge, or see endpoints.<name>.renewal.',
  },
  'renewal.other_names': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'The renewal asks for names that the certificate to renew does not have.',
  },
  'policy.public_key': {
    failInfo: 'badAlg',
    hResult: hResults.CERTSRV_E_KEY_LENGTH,
    explanation: 'The public key is weak, malformed, or not of a kind and size that the certificate profile takes.',
  },
  'policy.subject_missing': {
    failInfo: 'badRequest',
    hResult: hResults.CERTSRV_E_BAD_REQUESTSUBJECT,
    explanation: 'The request names neither a subject nor a subject alternative name.',
  },
  'policy.subject_alternative_name': {
    failInfo: 'badRequest',
    hResult: hResults.CERTSRV_E_BAD_REQUESTSUBJECT,
    explanation: 'A subject alternative name is of a kind that the certificate profile does not take.',
  },
  'policy.extended_key_usage': {
    failInfo: 'badRequest',
    hResult: hResults.E_ACCESSDENIED,
    explanation: 'None of the requested extended key usages is allowed by the certificate profile.',
  },
  'policy.key_usage': {
    failInfo: 'badRequest',
    hResult: hResults.E_ACCESSDENIED,
    explanation: 'None of the requested key usages is allowed by the certificate profile.',
  },
  'policy.validity': {
    failInfo: 'badRequest',
    hResult: hResults.E_ACCESSDENIED,
    explanation: "The issuing CA's own certificate ends too soon to issue from it.",
  },
  'issue.failed': {
    failInfo: 'badRequest',
    hResult: hResults.CERTSRV_E_BAD_REQUESTSTATUS,
    explanation: 'The certificate did not pass the checks before signing, or could not be signed.',
  },
  'notification.not_accepted': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation:
      'Intune did not accept the report of success. The certificate is withheld: the device gets it when it asks again and Intune has accepted.',
  },
  'server.internal': {
    failInfo: 'badRequest',
    hResult: undefined,
    explanation: 'Something unexpected failed here; the log tells what. The device may ask again.',
  },
} as const satisfies Record<string, RefusalDefinition>;

export type RefusalCode = keyof typeof refusals;

/** What a refusal means to the device, to Intune and to the operator. */
export function describeRefusal(code: RefusalCode): RefusalDefinition {
  return refusals[code];
}

/**
 * A request is not granted. Thrown by the steps of an enrollment, answered in one place, `enroll.ts`.
 *
 * `reason` is for the operator's log alone and never leaves the machine.
 */
export class RefusalError extends Error {
  readonly code: RefusalCode;
  readonly reason: string | undefined;
  /** What others said about it, for the operator alone. */
  readonly detail: string | undefined;
  /** Correlates with Intune's side, where it was asked. */
  readonly activityId: string | undefined;

  constructor(
    code: RefusalCode,
    details: {
      reason?: string | undefined;
      detail?: string | undefined;
      activityId?: string | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(code, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RefusalError';
    this.code = code;
    this.reason = details.reason;
    this.detail = details.detail;
    this.activityId = details.activityId;
  }
}
