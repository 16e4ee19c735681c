import { AddressError } from './errors.ts';
import { canonicalIp, compareIp, parseIp } from './ip.ts';
import type { Address } from './transport.ts';

/** "10.0.0.1:7946", "[2001:db8::1]:7946": as Go's net.JoinHostPort. */
export function formatAddress(address: Address): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}

/**
 * An address from its text. The host comes back in canonical spelling. Undefined when the text is not an IP
 * literal and a port from 0 to 65535, or an IPv6 literal lacks its brackets. For text from peers.
 */
export function tryParseAddress(text: string): Address | undefined {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return undefined;
  const bracketed = text.startsWith('[') && text[colon - 1] === ']';
  const hostText = bracketed ? text.slice(1, colon - 1) : text.slice(0, colon);
  const portText = text.slice(colon + 1);
  if (hostText.includes(':') !== bracketed || !/^\d{1,5}$/.test(portText)) return undefined;
  const host = canonicalIp(hostText);
  const port = Number(portText);
  return host === undefined || port > 65535 ? undefined : { host, port };
}

/** As {@link tryParseAddress}, for text from settings. @throws {AddressError} when the text is not an address. */
export function parseAddress(text: string): Address {
  const address = tryParseAddress(text);
  if (address === undefined) {
    throw new AddressError(
      `${JSON.stringify(text)} is not an address: write an IP and a port, as in 10.0.0.1:7946 or [2001:db8::1]:7946`,
    );
  }
  return address;
}

/** Whether both mean the same host and port; hosts are compared as IPs, not as text. */
export function sameAddress(a: Address, b: Address): boolean {
  return compareAddresses(a, b) === 0;
}

/** Order by IP, then port; hosts that are no IP literals come last, by text. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.host !== b.host) {
    const left = parseIp(a.host);
    const right = parseIp(b.host);
    if (left !== undefined && right !== undefined) {
      const order = compareIp(left, right);
      if (order !== 0) return order;
    } else if (left !== undefined || right !== undefined) {
      return left !== undefined ? -1 : 1;
    } else {
      return a.host < b.host ? -1 : 1;
    }
  }
  return a.port - b.port;
}
