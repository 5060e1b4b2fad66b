import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { clientNetwork } from '../../src/enrollment/sender.ts';

describe('clientNetwork', () => {
  const rows: [name: string, address: string | undefined, network: string][] = [
    ['an IPv4 address is itself', '192.0.2.7', '192.0.2.7'],
    ['also inside IPv6', '::ffff:192.0.2.7', '192.0.2.7'],
    ['an IPv6 address is its /64', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['whatever follows', '2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
    ['with a zone', 'fe80::1%eth0', 'fe80::/64'],
    ['the loopback too', '::1', '::/64'],
    ['an unknown address is one of its own', undefined, 'unknown'],
    ['what is no address is unknown', 'a device', 'unknown'],
  ];
  for (const [name, address, network] of rows) {
    it(name, () => assert.equal(clientNetwork(address), network));
  }
});
