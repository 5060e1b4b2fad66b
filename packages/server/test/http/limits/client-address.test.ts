import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClientAddresses } from '../../../src/http/limits/client-address.ts';

describe('S18: X-Forwarded-For is believed only from trusted proxies', () => {
  const addresses = new ClientAddresses(['10.0.0.0/8', '2001:db8:1::7']);
  const rows: readonly [name: string, peer: string, forwardedFor: string | undefined, client: string][] = [
    ['nobody between', '192.0.2.1', undefined, '192.0.2.1'],
    ['from anybody else it is ignored', '192.0.2.1', '198.51.100.7', '192.0.2.1'],
    ['from a proxy', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['from a proxy on a socket for both families', '::ffff:10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['from a proxy with IPv6', '2001:db8:1::7', '2001:db8:2::9', '2001:db8:2::9'],
    ['what the client wrote itself stands further left', '10.0.0.1', '1.1.1.1, 198.51.100.7', '198.51.100.7'],
    ['through two of our proxies', '10.0.0.1', '1.1.1.1, 198.51.100.7, 10.0.0.2', '198.51.100.7'],
    ['our own client behind our proxies', '10.0.0.1', '10.9.9.9, 10.0.0.2', '10.9.9.9'],
    ['with a port', '10.0.0.1', '198.51.100.7:4711', '198.51.100.7'],
    ['IPv6 with a port', '10.0.0.1', '[2001:db8:2::9]:4711', '2001:db8:2::9'],
    ['nonsense ends the walk', '10.0.0.1', '198.51.100.7, unknown, 10.0.0.2', '10.0.0.2'],
    ['a line break', '10.0.0.1', '198.51.100.7\r\nx', '10.0.0.1'],
    ['empty', '10.0.0.1', '', '10.0.0.1'],
    ['100,000 entries of our own', '10.0.0.1', '10.0.0.2,'.repeat(100_000) + '10.0.0.3', '10.0.0.2'],
  ];
  for (const [name, peer, forwardedFor, client] of rows) {
    it(name, () => assert.equal(addresses.of(peer, forwardedFor).text, client));
  }

  it('a connection that is gone has no address', () => {
    assert.equal(addresses.of(undefined, '198.51.100.7').text, 'unknown');
  });
});

describe('whom limits count a client to', () => {
  const addresses = new ClientAddresses([]);
  const rows: readonly [address: string, group: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:7:1:2:3:4', '2001:db8:0:7::/64'],
    ['2001:db8:0:7:ffff::', '2001:db8:0:7::/64'],
    ['2001:db8:0:8::1', '2001:db8:0:8::/64'],
  ];
  for (const [address, group] of rows) {
    it(`${address}: ${group}`, () => assert.equal(addresses.of(address, undefined).group, group));
  }
});
