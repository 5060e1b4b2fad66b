/** Addresses as bytes, so that the same client is the same however its address is written. */
import { isIP } from 'node:net';

/** IPv4 inside IPv6: ::ffff:0:0/96 (RFC 4291 2.5.5.2), and 64:ff9b::/96 of NAT64 (RFC 6052 2.1), which all of IPv4 may share. */
const carriersOfIpv4: readonly Uint8Array[] = [
  Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff),
  Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0),
];

/** Longer than any address with its zone. */
const LONGEST_TEXT = 64;

/** Four bytes for IPv4, however it is carried, or sixteen; undefined for what is no address. A zone is left out. */
export function parseIpAddress(text: string): Uint8Array | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const [withoutZone = ''] = text.split('%', 1);
  const family = isIP(withoutZone);
  if (family === 4) return Uint8Array.from(withoutZone.split('.'), Number);
  if (family !== 6) return undefined;
  const bytes = ipv6Bytes(withoutZone);
  const carried = carriersOfIpv4.some((prefix) => prefix.every((byte, index) => bytes[index] === byte));
  return carried ? bytes.slice(12) : bytes;
}

function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::');
  const bytes = new Uint8Array(16);
  bytes.set(groupBytes(head));
  const after = groupBytes(tail ?? '');
  bytes.set(after, 16 - after.length);
  return bytes;
}

function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Text of four or sixteen bytes: one spelling for each address, for logs. */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  // The URL parser shortens as RFC 5952 wants it.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/**
 * Whom limits count an address to: an IPv4 address itself, of IPv6 the /64, for that is the least that a customer gets
 * (RFC 6177) and has more addresses than any table.
 */
export function formatClientNetwork(address: Uint8Array): string {
  if (address.length === 4) return formatIpAddress(address);
  return `${formatIpAddress(address.map((byte, index) => (index < 8 ? byte : 0)))}/64`;
}

/** A range of addresses, written as RFC 4632 and RFC 4291 2.3 do: `10.0.0.0/8`, `2001:db8::/32`, or one address. */
export interface AddressRange {
  readonly bytes: Uint8Array;
  readonly prefixBits: number;
}

/** Undefined when it is none, or has bits set behind its prefix, which is always a mistake. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const bytes = parseIpAddress(address);
  if (bytes === undefined || rest.length > 0 || address.includes('%')) return undefined;
  if (prefix === undefined) return { bytes, prefixBits: bytes.length * 8 };
  // The prefix of an IPv4 address that is written as IPv6 would count other bits than it seems to.
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || (bytes.length === 4 && address.includes(':'))) return undefined;
  const range = { bytes, prefixBits: Number(prefix) };
  if (range.prefixBits > bytes.length * 8) return undefined;
  return bytes.every((byte, index) => (byte & ~maskByte(range.prefixBits, index) & 0xff) === 0) ? range : undefined;
}

export function isInRange(address: Uint8Array, { bytes, prefixBits }: AddressRange): boolean {
  if (address.length !== bytes.length) return false;
  return bytes.every((byte, index) => (((address[index] ?? 0) ^ byte) & maskByte(prefixBits, index)) === 0);
}

/** The part of a prefix that lies in one byte. */
function maskByte(prefixBits: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixBits - index * 8));
  return (0xff << (8 - bits)) & 0xff;
}

/** A host name or address as it stands in a URL: an IPv6 address in brackets (RFC 3986 3.2.2). */
export function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
