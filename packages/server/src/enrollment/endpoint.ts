/** One SCEP URL of ours, as the steps of an enrollment see it. */
import type { CertificateProfile } from '@scepter/ca';
import type { AlgorithmFloor } from '@scepter/scep';
import type { ChallengeAuthorizer } from './challenges/challenge-verifier.ts';
import type { IntuneConnection } from './intune-connection.ts';

export interface Endpoint {
  readonly name: string;
  readonly authorizer: Authorizer;
  readonly certificateProfile: CertificateProfile;
  readonly algorithms: AlgorithmFloor;
  /** What GetCACert answers; when absent, what suits the CA. */
  readonly caCertificates: 'chain' | 'issuer' | 'single' | undefined;
  readonly renewal: boolean;
  /** Whether a renewal that its signature alone authorizes may use what RFC 8894 7.9 forbids for it. */
  readonly weakRenewal: boolean;
  /** What goes along with a certificate: nothing, or the certificate of its issuer. */
  readonly replyCertificates: 'leaf' | 'chain';
}

export type Authorizer =
  | {
      readonly kind: 'manual';
      /** How long a request waits for a decision, and an approval for its device. */
      readonly pendingMs: number;
      /** How many requests may wait at once: anybody can send them. */
      readonly pendingRequests: number;
      readonly pendingRequestsPerAddress: number;
    }
  | { readonly kind: 'intune'; readonly connection: IntuneConnection }
  | ChallengeAuthorizer;
