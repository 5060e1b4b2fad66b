import type { KeyObject } from 'node:crypto';
import type { FailInfo } from '@scepter/scep';
import type { Certificate } from '@scepter/x509';
import type { ReportedState } from './device-management.ts';
import type { StepName } from './steps.ts';

/** A certificate in a simulated device's store. */
export interface InstalledCertificate {
  readonly profileId: string;
  readonly displayName: string;
  readonly url: string;
  readonly transactionId: string;
  readonly certificate: Certificate;
  /** Leaf first, the pushed root last. */
  readonly chain: readonly Certificate[];
  readonly privateKey: KeyObject;
}

/** Why one SCEP profile (or the check-in, then without a profile) came to nothing. */
export interface DeviceFailure {
  readonly profileId: string | undefined;
  readonly step: StepName;
  readonly state: ReportedState;
  /** One line for a person; escape it before it reaches a terminal. */
  readonly reason: string;
  readonly failInfo: FailInfo | undefined;
  readonly errorCode: number | undefined;
}

/** How it went for one device. */
export type DeviceOutcome =
  | { readonly status: 'installed'; readonly certificates: readonly InstalledCertificate[] }
  | { readonly status: 'nothing-assigned' }
  | {
      readonly status: 'failed';
      readonly failures: readonly [DeviceFailure, ...DeviceFailure[]];
      readonly certificates: readonly InstalledCertificate[];
    };
