/** All targets, in the order in which they are fuzzed. */
import { adminTargets } from './admin.ts';
import { asn1Targets } from './asn1.ts';
import { extensionTargets } from './extensions.ts';
import { scepTargets } from './scep.ts';
import type { Target } from './target.ts';
import { textTargets } from './text.ts';
import { workerTargets } from './worker.ts';
import { httpTargets } from './http.ts';
import { x509Targets } from './x509.ts';

export const targets: readonly Target[] = [
  ...asn1Targets,
  ...x509Targets,
  ...extensionTargets,
  ...scepTargets,
  ...textTargets,
  ...workerTargets,
  ...httpTargets,
  ...adminTargets,
];

export function targetNamed(name: string): Target {
  const target = targets.find((candidate) => candidate.name === name);
  if (target === undefined) throw new Error(`There is no target ${name}: see --list.`);
  return target;
}
