/** Who sent a request: the peer of its connection, or whom proxies that we trust name instead. */
import {
  formatClientNetwork,
  formatIpAddress,
  isInRange,
  parseAddressRange,
  parseIpAddress,
} from '../../ip-address.ts';
import type { AddressRange } from '../../ip-address.ts';

export interface ClientAddress {
  /** For logs: an address in its one spelling, and nothing else. */
  readonly text: string;
  /** Whom limits count it to: an IPv4 address, or a /64 of IPv6. */
  readonly group: string;
}

/** What a connection without an address counts to, which happens when it is gone already. */
const unknownAddress: ClientAddress = { text: 'unknown', group: 'unknown' };
/** Entries of X-Forwarded-For that are looked at; a longer chain of our own proxies does not exist. */
const LONGEST_CHAIN = 32;

/**
 * Reads addresses; `X-Forwarded-For` only from trusted proxies, because everybody else could write into it what they like.
 *
 * @example
 * const addresses = new ClientAddresses(['10.0.0.0/8']);
 * addresses.of('10.1.2.3', '198.51.100.7').text; // '198.51.100.7'
 */
export class ClientAddresses {
  readonly #trusted: readonly AddressRange[];

  /** @param trustedProxies addresses and CIDR ranges. @throws RangeError for one that is none */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = trustedProxies.map((text) => {
      const range = parseAddressRange(text);
      if (range === undefined) throw new RangeError('not an address range');
      return range;
    });
  }

  isTrustedProxy(peer: string | undefined): boolean {
    const bytes = peer === undefined ? undefined : parseIpAddress(peer);
    return bytes !== undefined && this.#isTrusted(bytes);
  }

  /**
   * Walks from the peer to the left through what each proxy has added, as long as the proxies are ours. An entry that is
   * no address ends the walk at whoever passed it on.
   *
   * @param forwardedFor the values of all `X-Forwarded-For` headers, joined by commas
   */
  of(peer: string | undefined, forwardedFor: string | undefined): ClientAddress {
    let client = peer === undefined ? undefined : parseIpAddress(peer);
    if (client === undefined) return unknownAddress;
    const chain = forwardedFor === undefined || !this.#isTrusted(client) ? [] : forwardedFor.split(',');
    for (const entry of chain.slice(-LONGEST_CHAIN).toReversed()) {
      if (!this.#isTrusted(client)) break;
      const next = parseIpAddress(withoutPort(entry.trim()));
      if (next === undefined) break;
      client = next;
    }
    return describe(client);
  }

  #isTrusted(address: Uint8Array): boolean {
    return this.#trusted.some((range) => isInRange(address, range));
  }
}

/** Some gateways write the port too: `198.51.100.7:4711`, `[2001:db8::7]:4711`. */
function withoutPort(entry: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry);
  if (bracketed !== null) return bracketed[1] ?? '';
  return /^([\d.]+):\d{1,5}$/.exec(entry)?.[1] ?? entry;
}

function describe(address: Uint8Array): ClientAddress {
  return { text: formatIpAddress(address), group: formatClientNetwork(address) };
}
