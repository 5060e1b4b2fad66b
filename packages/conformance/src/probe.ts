import { Asn1Error, parseName } from '@scepter/x509';
import { ScepError } from '@scepter/scep';
import { selectChecks, unknownNames } from './catalogue.ts';
import { CheckStopped, fail, inconclusive } from './check.ts';
import type { Check, Outcome } from './check.ts';
import { TransportError } from './http/transport-error.ts';
import { ProbeError } from './probe-error.ts';
import { defaultSubject } from './probe-options.ts';
import type { ProbeOptions } from './probe-options.ts';
import { failedMusts } from './report/report.ts';
import type { CheckResult, ProbeReport } from './report/report.ts';
import { ServerUnderTest } from './server-under-test.ts';
import { WireError } from './wire/wire-error.ts';

/**
 * Runs the checklist against a SCEP server, one check after the other.
 *
 * Whatever the server does is a result of a check: bytes that cannot be decoded, silence and hang-ups are failures of the
 * check that met them.
 *
 * @throws ProbeError `probe.unreachable` when there is nobody to probe, `probe.no_service` when somebody else answers,
 *   `probe.bad_option`, `probe.aborted`
 * @example
 * const report = await probe({ url: 'http://ca.example/scep', now: () => new Date(), randomBytes });
 * for (const { id, saw, state } of report.results) console.log(id, state, saw);
 */
export const probe = async (options: ProbeOptions): Promise<ProbeReport> => {
  requireUsable(options);
  const server = new ServerUnderTest(options);
  const startedAt = options.now();
  const startedMs = performance.now();
  try {
    await requireReachable(server);
    const results: CheckResult[] = [];
    for (const { checks, name } of selectChecks(options)) {
      for (const check of checks) {
        if (options.signal?.aborted === true) throw new ProbeError('probe.aborted', 'the probe was interrupted');
        const { run: _run, ...description } = check;
        const result = { group: name, ...description, ...(await timed(server, check)) };
        results.push(result);
        options.onResult?.(result);
      }
    }
    const durationMs = performance.now() - startedMs;
    return { url: options.url, startedAt, durationMs, conforms: failedMusts(results) === 0, results };
  } finally {
    await server.transport.close();
  }
};

const requireUsable = ({ only = [], subject = defaultSubject, url }: ProbeOptions): void => {
  const address = URL.parse(url);
  if (address === null || (address.protocol !== 'http:' && address.protocol !== 'https:')) {
    throw new ProbeError('probe.bad_option', 'the address is not an http or https URL');
  }
  const [unknown] = unknownNames(only);
  if (unknown !== undefined)
    throw new ProbeError('probe.bad_option', `there is no check or group ${JSON.stringify(unknown)}`);
  try {
    parseName(subject.replaceAll('{n}', '1'));
  } catch (cause) {
    throw new ProbeError('probe.bad_option', `${JSON.stringify(subject)} is not a subject name`, { cause });
  }
};

/** Any HTTP answer will do, what it is the checks find out; but a path where nothing is does not say anything of a server. */
const requireReachable = async (server: ServerUnderTest): Promise<void> => {
  let statuses: number[];
  try {
    const capabilities = await server.capabilitiesAnswer();
    // GetCACaps alone may be missing: servers older than it exist.
    statuses =
      capabilities.status === 404 ? [404, (await server.caCertificatesAnswer()).status] : [capabilities.status];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason';
    throw new ProbeError('probe.unreachable', `nobody to probe: ${reason}`, { cause });
  }
  if (statuses.every((status) => status === 404)) {
    throw new ProbeError('probe.no_service', 'no SCEP service: HTTP 404 to GetCACaps and GetCACert');
  }
};

const timed = async (server: ServerUnderTest, check: Check): Promise<Outcome & { durationMs: number }> => {
  const startedMs = performance.now();
  const outcome = await runCheck(server, check);
  const saw = shorten(server.withoutSecrets(outcome.saw));
  return { ...outcome, saw, durationMs: performance.now() - startedMs };
};

/** What a server sends may be long; a report is to be read. */
const longestText = 2_000;

const shorten = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText)}…`);

/** A check ends with an outcome, whatever happens in it. */
const runCheck = async (server: ServerUnderTest, check: Check): Promise<Outcome> => {
  try {
    return await check.run(server);
  } catch (error) {
    if (error instanceof CheckStopped) return error.outcome;
    if (error instanceof TransportError) return fail(error.message);
    if (error instanceof Asn1Error || error instanceof ScepError || error instanceof WireError) {
      return fail(`cannot be read: ${error.message}`);
    }
    // Not the server's fault, as far as is known.
    return inconclusive(`the probe could not do it: ${error instanceof Error ? error.message : 'unknown reason'}`);
  }
};
