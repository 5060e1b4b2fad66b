import type { Call } from '../../call.ts';
import { IntuneNetworkError } from '../../errors.ts';
import { copyCause } from '../../http/foreign-cause.ts';
import { classifyFailure } from '../../http/network-failure.ts';
import type { Check, Finding } from '../check.ts';
import { openTunnel } from '../open-tunnel.ts';
import { signsInAtAuthority, type Patient } from '../patient.ts';
import { commonName, probeTls, type TlsPicture } from '../tls-probe.ts';

const dayMs = 86_400_000;
/** Microsoft renews its certificates weeks before they end; an inspecting proxy or an emulator may not. */
const endsSoonMs = 7 * dayMs;

const microsoftHost = /\.(?:microsoft\.(?:com|us)|microsoftonline\.(?:com|us|cn)|chinacloudapi\.cn|windows\.net)$/i;

/** Can the sign-in service be reached, and is it who it should be? */
export const entraTlsCheck = tlsCheck('entra', 'TLS to Microsoft Entra', ['proxy'], ({ options }) =>
  signsInAtAuthority(options) ? options.authority : 'The credential signs in by ways of its own.',
);

export const graphTlsCheck = tlsCheck('graph', 'TLS to Microsoft Graph', ['proxy'], ({ options }) => options.graphUrl);

export const intuneTlsCheck = tlsCheck(
  'intune',
  'TLS to Intune',
  ['discovery'],
  ({ learnt }) => learnt.scepService ?? 'Its address is not known.',
);

/** @param hostOf the address, or why there is none to check */
function tlsCheck(
  host: 'entra' | 'graph' | 'intune',
  title: string,
  needs: Check['needs'],
  hostOf: (patient: Patient) => URL | string,
): Check {
  return {
    name: `tls.${host}`,
    title,
    needs,
    run: async (patient, call) => {
      const url = hostOf(patient);
      if (typeof url === 'string') {
        return { state: 'skipped', saw: url };
      }
      if (patient.options.connection.dispatcher !== undefined) {
        return { state: 'skipped', saw: "Connections are the given dispatcher's affair." };
      }
      return judgeTls(url, await probe(url, patient, call), patient.options.now());
    },
  };
}

async function probe(url: URL, { options }: Patient, call: Call): Promise<TlsPicture> {
  const { connection, timeoutMs } = options;
  const through = await openTunnel(connection, url, timeoutMs, call);
  try {
    return await probeTls(url, connection.tls, call.signal, through);
  } catch (error) {
    call.signal.throwIfAborted();
    throw noConnection(error, url, call);
  } finally {
    through?.destroy();
  }
}

function noConnection(error: unknown, { host }: URL, { activityId }: Call): IntuneNetworkError {
  const cause = copyCause(error);
  const message = `No TLS connection to ${host}: ${cause?.message || 'unknown reason'}`;
  return new IntuneNetworkError(message, { activityId, cause, ...classifyFailure(error, false) });
}

/** What a handshake says about a host. */
export function judgeTls(url: URL, { protocol, certificate, top, isPublic, problem }: TlsPicture, now: Date): Finding {
  const { subject, issuer, validToDate } = certificate;
  const details = {
    host: url.host,
    protocol,
    subject: commonName(subject),
    issuer: commonName(issuer),
    notAfter: validToDate.toISOString(),
    root: top,
    publicRoot: isPublic,
    ...(problem === undefined ? {} : { problem }),
  };
  const end = validToDate.toISOString().slice(0, 10);
  const saw = `${url.host}: ${protocol}, certificate of ${commonName(subject)} by ${commonName(issuer)} until ${end}`;
  if (problem !== undefined) {
    return {
      state: 'failed',
      saw: `${saw}. It is not trusted: ${inWords(problem)}.`,
      advice: problemAdvice(problem, top),
      details,
    };
  }
  if (!isPublic && microsoftHost.test(url.hostname)) {
    const warning = `${saw}. That is not Microsoft's certificate: its root is ${top}, a private CA.`;
    const advice =
      'A proxy opens the connection and can read tokens and challenges. Exempt this host from TLS inspection, as Microsoft asks for.';
    return { state: 'warning', saw: warning, advice, details };
  }
  if (validToDate.getTime() - now.getTime() < endsSoonMs) {
    return { state: 'warning', saw: `${saw}, which is soon.`, advice: 'Have it renewed in time.', details };
  }
  return { state: 'ok', saw: isPublic ? `${saw}.` : `${saw}; its root is ${top}, a private CA.`, details };
}

/** What OpenSSL and Node call the usual problems, in words, and with the name that can be searched for. */
function inWords(problem: string): string {
  switch (problem) {
    case 'CERT_HAS_EXPIRED':
      return `it has expired (${problem})`;
    case 'CERT_NOT_YET_VALID':
      return `it is not valid yet (${problem})`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `it is for another host (${problem})`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `it leads to no CA that is trusted here (${problem})`;
    default:
      return problem;
  }
}

function problemAdvice(problem: string, top: string): string {
  switch (problem) {
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'Check the clock of this machine first; if it is right, the certificate has to be renewed.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'The certificate is for another name: check the address, and whether a proxy or DNS leads elsewhere.';
    default:
      return `If ${top} is the CA of your own proxy, trust it by tls.ca (tlsCaFile in the server's configuration), or exempt this host from TLS inspection. If you do not know it, somebody is in between.`;
  }
}
