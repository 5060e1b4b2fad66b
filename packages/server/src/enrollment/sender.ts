/** Where a message comes from. */
import { formatClientNetwork, parseIpAddress } from '../ip-address.ts';

export interface Sender {
  /** IP address. */
  readonly address: string;
}

/**
 * Whom wrong guesses, and requests that wait for a person, are counted for: an IPv4 address itself; of an IPv6 address
 * the /64, for whoever has one address of it has them all (RFC 4291 2.5.4).
 *
 * @param address as the socket gives it; undefined where it is not known
 */
export function clientNetwork(address: string | undefined): string {
  const bytes = address === undefined ? undefined : parseIpAddress(address);
  return bytes === undefined ? 'unknown' : formatClientNetwork(bytes);
}
