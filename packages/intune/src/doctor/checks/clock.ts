import { withoutTrailingSlash } from '../../base-url.ts';
import type { Call } from '../../call.ts';
import type { HttpAnswer } from '../../http/answer.ts';
import type { Check, Finding } from '../check.ts';
import { signsInAtAuthority, type Patient } from '../patient.ts';

const noticeableMs = 60_000;
/** Microsoft's services tolerate five minutes. */
const toleratedMs = 300_000;

/** Does this machine's clock agree with Microsoft's? */
export const clockCheck: Check = {
  name: 'clock',
  title: 'Clock of this machine',
  needs: ['tls.entra', 'tls.graph'],
  run: async (patient, call) => judge(await measure(patient, call)),
};

interface Deviation {
  readonly host: string;
  /** Positive: this machine is ahead. */
  readonly aheadMs: number;
}

/** Asks addresses that answer without a token. Any answer will do, as each carries the time; one is enough. */
async function measure({ options, http }: Patient, call: Call): Promise<Deviation[]> {
  const { authority, tenant, graphUrl, now } = options;
  const addresses = [
    ...(signsInAtAuthority(options)
      ? [`${withoutTrailingSlash(authority)}/${tenant}/v2.0/.well-known/openid-configuration`]
      : []),
    `${withoutTrailingSlash(graphUrl)}/v1.0/`,
  ].map((address) => new URL(address));
  const attempts = await Promise.allSettled(
    addresses.map(async (url): Promise<Deviation[]> => {
      const before = now().getTime();
      const answer = await http.send({ method: 'GET', url, headers: {}, secrets: {} }, call);
      const theirs = timeOf(answer);
      // Their time is cut to whole seconds, and was taken somewhere on the way.
      const aheadMs = (before + now().getTime()) / 2 - ((theirs ?? 0) + 500);
      return theirs === undefined ? [] : [{ host: url.host, aheadMs }];
    }),
  );
  const failed = attempts.find((attempt) => attempt.status === 'rejected');
  if (failed !== undefined && attempts.every(({ status }) => status === 'rejected')) {
    throw failed.reason;
  }
  return attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? attempt.value : []));
}

function judge(deviations: readonly Deviation[]): Finding {
  const [best] = [...deviations].sort((one, other) => Math.abs(one.aheadMs) - Math.abs(other.aheadMs));
  if (best === undefined) {
    return { state: 'skipped', saw: 'No answer carried a time.' };
  }
  const seconds = Math.round(Math.abs(best.aheadMs) / 1000);
  const details = Object.fromEntries(deviations.map(({ host, aheadMs }) => [host, Math.round(aheadMs)]));
  const finding = { details: { aheadMs: Math.round(best.aheadMs), aheadMsByHost: details } };
  if (seconds <= noticeableMs / 1000) {
    return { ...finding, state: 'ok', saw: `It agrees with ${best.host} within ${Math.max(1, seconds)} s.` };
  }
  return {
    ...finding,
    state: seconds > toleratedMs / 1000 ? 'failed' : 'warning',
    saw: `It is ${seconds} s ${best.aheadMs > 0 ? 'ahead of' : 'behind'} ${best.host}.`,
    advice:
      'Set the clock and keep it right (NTP). From five minutes on, sign-in with a certificate fails, tokens are taken for expired or refused, and certificates begin in the future.',
  };
}

/** `Date` (RFC 9110 6.6.1), with the time that the answer lay in a cache (`Age`, RFC 9111 5.1). */
function timeOf({ headers }: HttpAnswer): number | undefined {
  const time = Date.parse(String(headers['date']));
  const ageSeconds = Number(headers['age'] ?? 0);
  return Number.isNaN(time) ? undefined : time + (Number.isFinite(ageSeconds) ? ageSeconds * 1000 : 0);
}
