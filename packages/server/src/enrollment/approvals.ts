/** Requests that wait for a person: what that person sees of them and decides. */
import type { PendingRequest, PendingRequestFilter } from '../store/pending-requests.ts';
import type { Store } from '../store/store.ts';

export type { PendingRequest };

export interface ApprovalsParts {
  readonly store: Pick<Store, 'findPendingRequest' | 'listPendingRequests' | 'decidePendingRequest'>;
  readonly now: () => Date;
}

/**
 * - `decided`: as asked for, now.
 * - `decided-before`: so it stands already, whoever decided it: a caller that lost the answer asks again.
 * - `too-late`: it is not in a state to be so decided.
 * - `unknown`: no such request.
 */
export type DecisionOutcome =
  | { readonly kind: 'decided' | 'decided-before' | 'too-late'; readonly request: PendingRequest }
  | { readonly kind: 'unknown' };

export interface Decision {
  readonly decision: 'approved' | 'denied';
  /** The name of whoever decides. */
  readonly by: string;
  readonly reason?: string | undefined;
}

export class Approvals {
  readonly #parts: ApprovalsParts;

  constructor(parts: ApprovalsParts) {
    this.#parts = parts;
  }

  /** The newest first. */
  list(filter: PendingRequestFilter): Promise<PendingRequest[]> {
    return this.#parts.store.listPendingRequests(filter, this.#parts.now());
  }

  find(id: number): Promise<PendingRequest | undefined> {
    return this.#parts.store.findPendingRequest({ id }, this.#parts.now());
  }

  async decide(id: number, { decision, by, reason }: Decision): Promise<DecisionOutcome> {
    const at = this.#parts.now();
    const given = { decision, at, by, ...(reason === undefined ? {} : { reason }) };
    const isDecided = await this.#parts.store.decidePendingRequest(id, given);
    const request = await this.find(id);
    if (request === undefined) return { kind: 'unknown' };
    if (isDecided) return { kind: 'decided', request };
    return { kind: request.state === decision ? 'decided-before' : 'too-late', request };
  }
}
