/**
 * Step 4 where a person decides: what that person would have to refuse anyway is refused at once, everything else waits
 * on record, and the device is told PENDING.
 */
import { formatGeneralName } from '@scepter/x509';
import type { PublicKeyInfo } from '@scepter/x509';
import type { Store } from '../store/store.ts';
import type { OpenedRequest } from '../workers/jobs.ts';
import type { UndecidedRequest } from './authorize.ts';
import type { Endpoint } from './endpoint.ts';
import type { CertificateIssuer } from './issue.ts';
import type { IssuingAuthorities } from './issuing-authorities.ts';
import { checkPolicy } from './policy.ts';
import { RefusalError } from './refusals.ts';
import { clientNetwork } from './sender.ts';
import type { Sender } from './sender.ts';

export interface ApprovalParts {
  readonly store: Pick<Store, 'addPendingRequest'>;
  readonly issuer: Pick<CertificateIssuer, 'policyContext' | 'compose'>;
  readonly authorities: Pick<IssuingAuthorities, 'issuerFor'>;
  readonly now: () => Date;
}

/** @throws RefusalError for a request that no certificate could be issued for, or when too many wait already */
export async function awaitApproval(
  undecided: UndecidedRequest,
  request: OpenedRequest,
  endpoint: Endpoint,
  sender: Sender,
  { store, issuer, authorities, now }: ApprovalParts,
): Promise<void> {
  if (undecided.isOnRecord) return;
  const { pendingMs, pendingRequests, pendingRequestsPerAddress } = undecided.authorizer;
  const authority = authorities.issuerFor(request.address.authority);
  const contents = checkPolicy(undecided, issuer.policyContext({ endpoint, authority }));
  // The lints as well: an approval of what they object to would come to nothing.
  issuer.compose(contents, { endpoint, authority });
  const requestedAt = now();
  const added = await store.addPendingRequest(
    {
      identity: undecided.identity,
      signerKeySha256: request.signerKeySha256,
      subject: request.subject,
      subjectAltNames: contents.subjectAltNames.map(formatGeneralName),
      keyDescription: describeKey(contents.publicKey),
      clientNetwork: clientNetwork(sender.address),
      certificationRequest: request.certificationRequest,
      requestedAt,
      expiresAt: new Date(requestedAt.getTime() + pendingMs),
    },
    { ofEndpoint: pendingRequests, ofClientNetwork: pendingRequestsPerAddress },
  );
  if (added === undefined) throw new RefusalError('approval.too_many_pending');
}

function describeKey({ key, algorithm }: PublicKeyInfo): string {
  switch (key.kind) {
    case 'rsa':
      return `RSA ${key.modulusBits}`;
    case 'ec':
      return `EC ${key.curve}`;
    case 'unknown':
      return algorithm;
  }
}
