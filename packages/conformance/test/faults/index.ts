/** For every check a server that gets just this wrong. */
import { abuseFaults, clientFaults, rolloverFaults } from './clients.ts';
import type { Fault } from './fault.ts';
import { enrollmentFaults, pollFaults, queryFaults, renewalFaults } from './issuing.ts';
import { authorityFaults, capabilityFaults, httpFaults, messageFaults } from './replies.ts';

/** By the id of the check that has to notice. */
export const faults: Readonly<Record<string, Fault>> = {
  ...httpFaults,
  ...capabilityFaults,
  ...authorityFaults,
  ...messageFaults,
  ...enrollmentFaults,
  ...renewalFaults,
  ...pollFaults,
  ...queryFaults,
  ...rolloverFaults,
  ...clientFaults,
  ...abuseFaults,
};
