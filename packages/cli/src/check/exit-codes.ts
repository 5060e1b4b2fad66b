import type { ConnectionCheck } from '@scepter/intune';

/** As monitoring plug-ins have them (Monitoring Plugins Development Guidelines, "Plugin Return Codes"). */
export const exitCodes = { ok: 0, warning: 1, failed: 2, unknown: 3 } as const;

/** The code for the worst of some checks. */
export function exitCodeOf(checks: readonly Pick<ConnectionCheck, 'state'>[]): 0 | 1 | 2 {
  if (checks.some(({ state }) => state === 'failed')) return exitCodes.failed;
  return checks.some(({ state }) => state === 'warning') ? exitCodes.warning : exitCodes.ok;
}
