/** One SCEP URL of ours, as the steps of an enrollment see it. */
import type { CertificateProfile } from '@scepter/ca';
import type { AlgorithmFloor } from '@scepter/scep';
import type { IntuneConnection } from './intune-connection.ts';

export interface Endpoint {
  readonly name: string;
  readonly authorizer: Authorizer;
  readonly certificateProfile: CertificateProfile;
  readonly algorithms: AlgorithmFloor;
  readonly renewal: boolean;
}

export type Authorizer =
  | { readonly kind: 'intune'; readonly connection: IntuneConnection }
  | {
      readonly kind: 'static-challenge';
      /** Compares in constant time; keeps no challenge in the clear. */
      readonly accepts: (challenge: string) => boolean;
    };
