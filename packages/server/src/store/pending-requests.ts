/** What the server needs to remember of requests that wait for a person's decision. Part of the contract in `store.ts`. */
import type { RequestIdentity } from './store.ts';

/**
 * - `pending`: nobody has decided.
 * - `approved`: a certificate may be issued for it, once.
 * - `denied`: this very request is refused, for ever.
 * - `expired`: nobody decided in time, or the device never came for what was approved.
 */
export type PendingRequestState = 'pending' | 'approved' | 'denied' | 'expired';

export interface NewPendingRequest {
  readonly identity: RequestIdentity;
  /** SHA-256 of the SubjectPublicKeyInfo of the key that signed the message, lower-case hex: only its holder may poll. */
  readonly signerKeySha256: string;
  /** RFC 4514. */
  readonly subject: string;
  /** As text, one a name: `DNS:one.example`. */
  readonly subjectAltNames: readonly string[];
  /** For a person: `RSA 2048`, `EC P-256`. */
  readonly keyDescription: string;
  /** Where it came from: an IPv4 address, the /64 of an IPv6 address, or `unknown`. */
  readonly clientNetwork: string;
  /** DER PKCS#10. It may hold a challenge: stored sealed. */
  readonly certificationRequest: Uint8Array;
  readonly requestedAt: Date;
  /** An approval is good for as long as the request had to wait for it. */
  readonly expiresAt: Date;
}

export type PendingRequest = Omit<NewPendingRequest, 'certificationRequest' | 'expiresAt'> & {
  readonly id: number;
  /** Of the certificate that was issued on the approval, if one was. */
  readonly serialNumber: string | undefined;
} & Standing;

/** Only `denied` does not end. What has `expired` may have been approved before. */
export type Standing =
  | { readonly state: 'pending'; readonly expiresAt: Date; readonly decision: undefined }
  | { readonly state: 'approved'; readonly expiresAt: Date; readonly decision: DecisionMade }
  | { readonly state: 'denied'; readonly expiresAt: undefined; readonly decision: DecisionMade }
  | { readonly state: 'expired'; readonly expiresAt: Date; readonly decision: DecisionMade | undefined };

export interface DecisionMade {
  readonly at: Date;
  readonly by: string;
  readonly reason: string | undefined;
}

/** With what was sealed; absent once the request is denied or expired. */
export type OpenedPendingRequest = PendingRequest & { readonly certificationRequest: Uint8Array | undefined };

export interface PendingRequestDecision {
  readonly decision: 'approved' | 'denied';
  readonly at: Date;
  /** Who decided: the name of an administrator's token, never the token. */
  readonly by: string;
  readonly reason?: string;
}

/** How a pending request is found: as itself, by the request that is sent again, or by a poll for it. */
export type PendingRequestKey =
  | { readonly id: number }
  | { readonly identity: RequestIdentity }
  | { readonly endpoint: string; readonly transactionId: string; readonly signerKeySha256: string };

export interface PendingRequestFilter {
  readonly state?: PendingRequestState | undefined;
  readonly endpoint?: string | undefined;
  readonly limit: number;
}

/** How many may wait at once, at one endpoint. */
export interface PendingRequestLimits {
  readonly ofEndpoint: number;
  /** From one client network: of those that fill an endpoint, one must not keep out all others. */
  readonly ofClientNetwork: number;
}

export interface PendingRequestStore {
  /**
   * Records a request as pending, unless it is on record already: then that record is returned as it is.
   *
   * @returns undefined when as many wait as may; nothing was written
   */
  addPendingRequest(
    request: NewPendingRequest,
    limits: PendingRequestLimits,
  ): Promise<{ readonly id: number; readonly state: PendingRequestState } | undefined>;

  /**
   * The current record of a request; of several that a poll may mean, the newest. What has ended is found as `expired`,
   * and by the request itself not at all: it may be recorded anew.
   */
  findPendingRequest(key: PendingRequestKey, now: Date): Promise<OpenedPendingRequest | undefined>;

  /** The newest first, without what is sealed. */
  listPendingRequests(filter: PendingRequestFilter, now: Date): Promise<PendingRequest[]>;

  /**
   * A pending request can be approved or denied, and an approved one still be denied as long as nothing is about to be
   * signed for it. False when it was not in such a state, or had ended at `at`; nothing was written then.
   */
  decidePendingRequest(id: number, decision: PendingRequestDecision): Promise<boolean>;

  /**
   * Ends what has waited too long, drops the sealed requests of what has ended, and forgets after 90 days what nobody had
   * decided on.
   * @returns how many requests became `expired`
   */
  expirePendingRequests(now: Date): Promise<number>;
}
