import type { Call } from '../call.ts';
import type { Patient } from './patient.ts';
import type { ConnectionCheckDetail, ConnectionCheckName, ConnectionCheckState } from './report.ts';

/** What a check found. `skipped` says that there is nothing to check. */
export interface Finding {
  readonly state: ConnectionCheckState;
  readonly saw: string;
  readonly advice?: string;
  readonly details?: { readonly [name: string]: ConnectionCheckDetail };
}

/** One question about a connection. */
export interface Check {
  readonly name: ConnectionCheckName;
  readonly title: string;
  /** Without these it makes no sense to ask: when one of them failed, this check is skipped. */
  readonly needs: readonly ConnectionCheckName[];
  /** Whatever it throws becomes a finding too. */
  run(patient: Patient, call: Call): Promise<Finding> | Finding;
}
