/**
 * What the server needs of a database, whichever it is. One suite of tests (`test/store/`) runs on every implementation.
 *
 * Every write is durable before its promise resolves. Instants are `Date`s, serial numbers upper-case hex without a
 * leading sign byte, digests lower-case hex.
 */
import type { RevocationReason } from '@scepter/x509';
import type { ChallengeUse, IssuedChallengeStore } from './issued-challenges.ts';
import type { PendingRequestStore } from './pending-requests.ts';

/**
 * What makes two requests the same request: RFC 8894 leaves transaction identifiers to the client, and they collide
 * across clients and endpoints, so the key and the request's bytes belong to the identity.
 */
export interface RequestIdentity {
  readonly endpoint: string;
  readonly transactionId: string;
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly publicKeySha256: string;
  /**
   * SHA-256 of the certification request's DER, and for a renewal of the certificate to be renewed after it, lower-case
   * hex: clients renew with the request that they first enrolled with.
   */
  readonly requestSha256: string;
}

/**
 * Who said yes. `connection` is the Intune connection that must hear of the outcome; `pendingRequest` the record that a
 * person approved; `issuedChallenge` the challenge's id, where it was made at run time; `replaces` a serial number.
 */
export type Authorization =
  | { readonly kind: 'intune'; readonly connection: string; readonly activityId: string }
  | { readonly kind: 'static-challenge'; readonly issuedChallenge?: string }
  | { readonly kind: 'one-time-challenge'; readonly issuedChallenge: string }
  | { readonly kind: 'manual'; readonly pendingRequest: number }
  | { readonly kind: 'renewal'; readonly replaces: string };

/**
 * The same at the time of the yes, with the challenge that it rests on, which recording the intent claims or uses:
 * `challengeDigest` is the MAC of one that is good for one certificate only, `challengeUse` one whose uses are counted.
 */
export type GrantedAuthorization =
  | {
      readonly kind: 'intune';
      readonly connection: string;
      readonly activityId: string;
      readonly challengeDigest: string;
    }
  | { readonly kind: 'static-challenge'; readonly challengeUse: ChallengeUse | undefined }
  | { readonly kind: 'one-time-challenge'; readonly challengeUse: Extract<ChallengeUse, { kind: 'issued' }> }
  | Extract<Authorization, { kind: 'manual' | 'renewal' }>;

/**
 * - `intended`: recorded, perhaps signed, never stored: the process may have died in between.
 * - `withheld`: issued and stored, not handed out.
 * - `released`: may be handed out.
 * - `revoked`: on the CRL.
 * - `abandoned`: an intent that a later attempt of the same request replaced. Its serial number stays used.
 */
export type EnrollmentState = 'intended' | 'withheld' | 'released' | 'revoked' | 'abandoned';

/** Step 6: what is about to be signed. */
export interface Intent {
  readonly identity: RequestIdentity;
  /** The CA that is to sign: SHA-256 of its certificate, upper-case hex. */
  readonly authority: string;
  readonly authorization: GrantedAuthorization;
  readonly serialNumber: string;
  readonly tbsCertificate: Uint8Array;
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly recordedAt: Date;
  /**
   * The failure that Intune hears of when nothing comes of this intent: the process died and the device never asked
   * again. Storing the certificate cancels it.
   */
  readonly notification: NewNotification | undefined;
}

/** What a CertPoll tells of the request that it asks for (RFC 8894 3.3.3). */
export interface PollIdentity {
  readonly endpoint: string;
  readonly transactionId: string;
  /** SHA-256 of the SubjectPublicKeyInfo of the key that signed it, lower-case hex. */
  readonly signerKeySha256: string;
  /** Of the signer's certificate, where it is one of ours: then the poll may ask for its renewal. */
  readonly signerSerialNumber: string | undefined;
}

/**
 * - `recorded`: durable; an earlier intent of the same request is now abandoned, an expired certificate set aside.
 * - `challenge-used`: other requests have used up this challenge, or this one has and its certificate has expired;
 *   nothing was written.
 * - `challenge-expired`, `challenge-revoked`: it was good when it was looked up, and is not any more; nothing was written.
 * - `already-issued`: a certificate of this very request is stored; nothing was written.
 * - `predecessor-not-valid`: the certificate to renew is not released, or not any more; nothing was written.
 * - `approval-not-valid`: the approval was withdrawn, has ended or has served a certificate; nothing was written.
 */
export type IntentOutcome =
  | 'recorded'
  | 'challenge-used'
  | 'challenge-expired'
  | 'challenge-revoked'
  | 'already-issued'
  | 'predecessor-not-valid'
  | 'approval-not-valid';

/** An enrollment as it stands in the store. */
export interface Enrollment {
  readonly identity: RequestIdentity;
  /** The CA that signs: SHA-256 of its certificate, upper-case hex. */
  readonly authority: string;
  readonly authorization: Authorization;
  readonly state: EnrollmentState;
  readonly serialNumber: string;
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** DER; absent while `intended` or `abandoned`. */
  readonly certificate: Uint8Array | undefined;
  readonly recordedAt: Date;
  /** Set when `revoked`. */
  readonly revocation: { readonly revokedAt: Date; readonly reason: RevocationReason } | undefined;
}

export type NotificationKind = 'success' | 'failure';

/** A report that Intune must receive. `payload` holds the certification request with its challenge: stored sealed. */
export interface NewNotification {
  readonly kind: NotificationKind;
  readonly connection: string;
  readonly endpoint: string;
  readonly transactionId: string;
  /** The certificate that it is about; absent when none was issued. */
  readonly serialNumber: string | undefined;
  readonly payload: NotificationPayload;
  /** When the outbox may try first: later than now where the request itself tries at once. */
  readonly firstAttemptAt: Date;
}

export type NotificationPayload =
  | {
      readonly kind: 'success';
      /** base64 DER PKCS#10. */
      readonly certificateRequest: string;
      /** SHA-1, upper-case hex. */
      readonly certificateThumbprint: string;
      readonly certificateSerialNumber: string;
      /** ISO 8601 UTC. */
      readonly certificateExpirationDateUtc: string;
      readonly issuingCertificateAuthority: string;
    }
  | {
      readonly kind: 'failure';
      readonly certificateRequest: string;
      /** Signed 32-bit. */
      readonly hResult: number;
      readonly errorDescription: string;
    };

/** A notification in the outbox. */
export interface PendingNotification extends NewNotification {
  readonly id: number;
  /** Attempts made so far. */
  readonly attempts: number;
  readonly createdAt: Date;
}

export interface CertificateRevocation {
  readonly serialNumber: string;
  readonly revokedAt: Date;
  readonly reason: RevocationReason;
}

/**
 * - `next`: waits to be activated; whoever encrypts to its RA gets certificates of it.
 * - `current`: issues.
 * - `former`: signs CRLs alone.
 */
export type AuthorityState = 'next' | 'current' | 'former';

/** One generation of the issuing CA. */
export interface StoredAuthority {
  /** SHA-256 of the certificate, upper-case hex. */
  readonly id: string;
  /** 1, 2, and so on. */
  readonly generation: number;
  readonly state: AuthorityState;
  readonly addedAt: Date;
  /** Absent while `next`. */
  readonly activatedAt: Date | undefined;
  /** Set when `former`. */
  readonly retiredAt: Date | undefined;
}

export interface StoredCrl {
  /** Whose it is. */
  readonly authority: string;
  readonly crlNumber: bigint;
  readonly encoded: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** The store's revocation revision when its entries were read: another one now means that it does not list all. */
  readonly revision: number;
}

export interface StoreSummary {
  readonly enrollments: Readonly<Record<EnrollmentState, number>>;
  readonly pendingNotifications: number;
}

export interface Store extends PendingRequestStore, IssuedChallengeStore {
  /** Step 3. The current enrollment of a request; one whose certificate expired before `now` is not current any more. */
  findEnrollment(identity: RequestIdentity, now: Date): Promise<Enrollment | undefined>;

  /**
   * The newest current enrollment with a certificate that a CertPoll may mean: of this transaction, and for the key that
   * signed the poll or in place of the certificate that signed it.
   */
  findPolledEnrollment(poll: PollIdentity, now: Date): Promise<Enrollment | undefined>;

  /**
   * Step 6. Atomic: the challenge is claimed in the same transaction, so that of two concurrent requests one loses.
   * @throws StoreError `store.serial_number_used` when the serial number was ever recorded before.
   */
  recordIntent(intent: Intent): Promise<IntentOutcome>;

  /**
   * Step 7. Stores the certificate of an intent, as `withheld` with the notification that will release it, or at once
   * as `released` where nobody must be told first. A notification cancels the pending failures of its connection, endpoint
   * and transaction: Intune must not hear of an earlier failure after this success.
   * @throws StoreError `store.unknown_serial_number` when no current intent holds the serial number.
   */
  storeCertificate(issued: {
    readonly serialNumber: string;
    readonly certificate: Uint8Array;
    readonly storedAt: Date;
    readonly notification: NewNotification | undefined;
  }): Promise<void>;

  /** The success notification of a `withheld` certificate, delivered or not; undefined when there is none. */
  findSuccessNotification(
    serialNumber: string,
  ): Promise<{ readonly delivered: boolean; readonly notification: PendingNotification } | undefined>;

  /** Step 8. `withheld` becomes `released` and its success notification delivered. False when it was not `withheld`. */
  release(
    serialNumber: string,
    accepted: { readonly at: Date; readonly activityId: string | undefined },
  ): Promise<boolean>;

  /** Puts a notification into the outbox. */
  addNotification(notification: NewNotification, createdAt: Date): Promise<void>;

  /**
   * The pending notifications of a connection whose time has come, the longest due first. One that cannot be unsealed is
   * given up, so that it does not hold up the others.
   */
  dueNotifications(connection: string, now: Date, limit: number): Promise<PendingNotification[]>;

  /**
   * A delivered notification keeps no payload, but for the success of a certificate that is still `withheld`: the device
   * may never claim it, and Intune must then hear of a failure for the same request. `release` and `revoke` drop that
   * payload. Does not release the certificate: only a device's retry does.
   */
  markDelivered(id: number, delivered: { readonly at: Date; readonly activityId: string }): Promise<void>;

  /** `reason` is an error code, never a text from outside. */
  markAttemptFailed(id: number, failed: { readonly nextAttemptAt: Date; readonly reason: string }): Promise<void>;

  /** It is not tried again, and keeps no payload. */
  giveUp(id: number, givenUp: { readonly at: Date; readonly reason: string }): Promise<void>;

  /** A certificate by its serial number, whatever its state. */
  findBySerialNumber(serialNumber: string): Promise<Enrollment | undefined>;

  /** `withheld` since before `before`, oldest first. */
  unclaimedEnrollments(before: Date, limit: number): Promise<Enrollment[]>;

  /**
   * `withheld` or `released` becomes `revoked`; a pending success notification is cancelled, `notification` is queued in
   * the same transaction. False when it was in another state, or, with `onlyIf`, not in that one.
   */
  revoke(
    revocation: CertificateRevocation,
    options?: { readonly onlyIf?: EnrollmentState; readonly notification?: NewNotification },
  ): Promise<boolean>;

  /** Every revocation of a certificate of this CA that is not expired at `now`, for its CRL. */
  listRevocations(authority: string, now: Date): Promise<CertificateRevocation[]>;

  /** Grows with every revocation. */
  revocationRevision(): Promise<number>;

  /** The CRL of a CA with the highest number. */
  latestCrl(authority: string): Promise<StoredCrl | undefined>;
  /** @throws StoreError `store.crl_number_used` unless the number is higher than every earlier one of this CA. */
  saveCrl(crl: StoredCrl): Promise<void>;

  /**
   * The generations of the CA that this store belongs to, in order; none in a new store. A store that belongs to another
   * CA knows nothing of what this one issued.
   */
  listAuthorities(): Promise<StoredAuthority[]>;
  /**
   * The first one becomes `current` at once, each later one `next`. Does nothing when it is there.
   * @throws StoreError `store.authority_conflict` when the generation is another CA's, or one waits already
   */
  addAuthority(authority: Pick<StoredAuthority, 'id' | 'generation' | 'addedAt'>): Promise<void>;
  /** Atomic: the next one becomes `current`, and the one before `former`. False when it was not `next`. */
  activateAuthority(id: string, at: Date): Promise<boolean>;
  /** When the last of the certificates ends that a CA issued, or was to issue. */
  lastCertificateEnd(authority: string): Promise<Date | undefined>;

  /** The newest enrollments first. */
  listEnrollments(limit: number): Promise<Enrollment[]>;
  summary(): Promise<StoreSummary>;
  close(): Promise<void>;
}

/** Encrypts what must not lie in the database in the clear (AES-256-GCM under a key derived from the master secret). */
export interface SecretBox {
  seal(plaintext: Uint8Array): Uint8Array;
  /** @throws StoreError `store.unsealing_failed`. */
  open(sealed: Uint8Array): Uint8Array;
}

export type StoreErrorCode =
  | 'store.unknown_serial_number'
  | 'store.serial_number_used'
  | 'store.crl_number_used'
  | 'store.unsealing_failed'
  | 'store.authority_conflict'
  | 'store.damaged'
  | 'store.newer_schema'
  | 'store.unavailable';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}
