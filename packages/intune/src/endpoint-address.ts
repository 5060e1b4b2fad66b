import { intuneHostSuffixes } from './clouds.ts';
import { toLine } from './http/redaction.ts';

/** Which hosts beside Intune's may be given a token. */
export interface AddressRules {
  readonly allowLoopback: boolean;
  /** Each beginning with a dot, in lower case. */
  readonly endpointHostSuffixes?: readonly string[];
}

/**
 * The address of a service that discovery named, or the reason to refuse it. The address will receive a bearer token
 * and certificate requests with their challenges, so it must be one of Intune's.
 */
export function checkEndpointAddress(
  address: unknown,
  { allowLoopback, endpointHostSuffixes = [] }: AddressRules,
): { readonly url: URL } | { readonly problem: string } {
  if (typeof address !== 'string' || !URL.canParse(address)) {
    return { problem: 'it is not a URL' };
  }
  const url = new URL(address);
  if (url.protocol !== 'https:') {
    return { problem: 'it is not https' };
  }
  if (url.username !== '' || url.password !== '') {
    return { problem: 'it contains credentials' };
  }
  // An empty query or fragment is one as well: what is appended would become part of it.
  if (/[?#]/.test(url.href)) {
    return { problem: 'it has a query or a fragment' };
  }
  const isIntune = [...intuneHostSuffixes, ...endpointHostSuffixes].some((suffix) => url.hostname.endsWith(suffix));
  if (!isIntune && !(allowLoopback && isLoopback(url.hostname))) {
    const hint = isLoopback(url.hostname) ? ' (allowLoopback lets an emulator on this machine through)' : '';
    return { problem: `its host ${toLine(url.hostname, 253)} is not one of Intune's${hint}` };
  }
  return { url };
}

/** `hostname` as the URL standard normalises it, so that there is one spelling for each address. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
