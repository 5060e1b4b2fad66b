import { randomUUID } from 'node:crypto';
import { runCall } from '../call.ts';
import type { Check, Finding } from './check.ts';
import { explainFailure } from './explain-failure.ts';
import type { Patient } from './patient.ts';
import type { ConnectionCheck, ConnectionCheckName } from './report.ts';

/**
 * Makes the checks one after the other. A check whose need was not met is skipped and says which one it was; those that
 * need nothing of it are made all the same.
 *
 * @throws the signal's reason when it is aborted
 */
export async function runChecks(
  checks: readonly Check[],
  patient: Patient,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<ConnectionCheck[]> {
  const results: ConnectionCheck[] = [];
  /** What failed, and what was skipped for it, each with the title of what failed. */
  const unmet = new Map<ConnectionCheckName, string>();
  for (const check of checks) {
    const reason = check.needs.map((need) => unmet.get(need)).find((title) => title !== undefined);
    const startedAt = performance.now();
    const finding = reason === undefined ? await make(check, patient, limits) : notTried(reason);
    if (reason !== undefined || finding.state === 'failed') {
      unmet.set(check.name, reason ?? check.title);
    }
    results.push(toResult(check, finding, performance.now() - startedAt));
  }
  return results;
}

/** The checks as they are reported when nothing could be tried at all. */
export function skipAll(checks: readonly Check[], reason: string): ConnectionCheck[] {
  return checks.map((check) => toResult(check, notTried(reason), 0));
}

/** One finding as a result of its check. */
export function toResult(
  { name, title }: Pick<Check, 'name' | 'title'>,
  { state, saw, advice, details = {} }: Finding,
  durationMs: number,
): ConnectionCheck {
  const result = { name, title, state, saw, durationMs: Math.round(durationMs * 10) / 10, details };
  return advice === undefined ? result : { ...result, advice };
}

async function make(
  check: Check,
  patient: Patient,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<Finding> {
  try {
    return await runCall(randomUUID(), limits, async (call) => check.run(patient, call));
  } catch (error) {
    limits.signal?.throwIfAborted();
    return explainFailure(error);
  }
}

function notTried(reason: string): Finding {
  return { state: 'skipped', saw: `Not tried, because of: ${reason}.` };
}
