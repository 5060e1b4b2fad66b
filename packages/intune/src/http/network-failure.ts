import type { NetworkFailureReason } from '../errors.ts';
import { ProxyError } from './tunnel.ts';

/**
 * Codes of Node, OpenSSL and undici by what they mean for a caller. Codes of TLS come in families, so they are
 * recognised by pattern.
 */
const reasons = new Map<string, NetworkFailureReason>(
  Object.entries({
    ENOTFOUND: 'dns',
    EAI_AGAIN: 'dns',
    EAI_FAIL: 'dns',
    EAI_NODATA: 'dns',
    EAI_NONAME: 'dns',
    ECONNREFUSED: 'refused',
    EHOSTUNREACH: 'refused',
    ENETUNREACH: 'refused',
    EHOSTDOWN: 'refused',
    ENETDOWN: 'refused',
    EADDRNOTAVAIL: 'refused',
    UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
    STRAY_ANSWER: 'cut',
    ECONNRESET: 'cut',
    ECONNABORTED: 'cut',
    EPIPE: 'cut',
    ETIMEDOUT: 'cut',
    UND_ERR_SOCKET: 'cut',
    UND_ERR_CLOSED: 'closed',
    UND_ERR_DESTROYED: 'closed',
  } as const),
);

/** Node's names for OpenSSL's verdicts on a certificate, and what a handshake can fail with. */
const tlsCode =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|ERROR_IN_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$)/;

export interface NetworkFailure {
  readonly reason: NetworkFailureReason;
  readonly proxyStatus?: number | undefined;
}

/**
 * Why no complete answer arrived.
 * @param wasSent whether any of the request may have left this machine
 */
export function classifyFailure(error: unknown, wasSent: boolean): NetworkFailure {
  if (error instanceof ProxyError) {
    return { reason: 'proxy', proxyStatus: error.status };
  }
  const code = codeOf(error);
  const reason = reasons.get(code) ?? (tlsCode.test(code) ? 'tls' : 'other');
  // A connection that breaks before it stands is none.
  return reason === 'cut' && !wasSent ? { reason: code === 'ETIMEDOUT' ? 'connect_timeout' : 'refused' } : { reason };
}

/** When every address of a host failed, the first failure tells. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return '';
  }
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : first === undefined ? '' : codeOf(first);
}
