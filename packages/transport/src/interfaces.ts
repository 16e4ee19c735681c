import { AdvertiseError } from './errors.ts';
import { formatIp, type IpNetwork, networkContains, parseNetwork, toIpv4 } from './ip.ts';

/** One address of a network interface. */
export interface InterfaceAddress {
  readonly ip: Uint8Array;
  /** Leading bits of the network, 0 to 32 or 128. */
  readonly prefixBits: number;
}

/** A network interface that is up. A list of these is all that the choice of an address looks at. */
export interface NetworkInterface {
  readonly name: string;
  readonly addresses: readonly InterfaceAddress[];
  /** Whether the default route leaves through it. */
  readonly defaultRoute: boolean;
}

/** RFC 6890 blocks that are routable inside a site; the exclusions are documentation and ORCHID ranges. T-12 */
const PRIVATE = networks(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  'fc00::/7',
  '2002::/16',
  '2001::/16',
  '64:ff9b::/96',
  '100::/64',
);
const NOT_PRIVATE = networks('2001:db8::/32', '2001:10::/28');
const SITE_PRIVATE = networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7');
const LOOPBACK = networks('127.0.0.0/8', '::1/128');
const LINK_LOCAL = networks('169.254.0.0/16', 'fe80::/10');

/** Interface names to fall back on when none holds a private address. As netutil in dskit. */
export const FALLBACK_INTERFACE_NAMES: readonly string[] = ['eth0', 'en0'];

/**
 * The address that a node bound to 0.0.0.0 tells others: of all private addresses the one on the interface of the
 * default route, then IPv4 before IPv6, then the larger network, then the first listed. Undefined when the machine
 * has none. T-12
 */
export function selectPrivateAddress(
  interfaces: readonly NetworkInterface[],
): Uint8Array | undefined {
  const candidates = interfaces.flatMap((owner) =>
    owner.addresses
      .filter(({ ip }) => contains(PRIVATE, ip) && !contains(NOT_PRIVATE, ip))
      .map((address) => ({ ...address, defaultRoute: owner.defaultRoute })),
  );
  candidates.sort(
    (a, b) =>
      Number(b.defaultRoute) - Number(a.defaultRoute) ||
      Number(isIpv6(a.ip)) - Number(isIpv6(b.ip)) ||
      a.prefixBits - b.prefixBits,
  );
  return candidates[0]?.ip;
}

/** What {@link selectFirstAddress} found. */
export interface FirstAddress {
  readonly ip: Uint8Array;
  readonly interfaceName: string;
  /** True when nothing better than a link-local address was there: worth a warning. */
  readonly linkLocal: boolean;
}

/**
 * The first usable address of the named interfaces, in the order of the names (no names: all, as listed). Loopback
 * never counts; IPv6 counts only with `enableIpv6`, and is then preferred. Other addresses beat link-local ones. As
 * netutil.GetFirstAddressOf in dskit; used for the bind address `::` and for ring instances. T-13
 *
 * @throws {AdvertiseError} when no interface has a usable address; the message lists the names.
 */
export function selectFirstAddress(
  interfaces: readonly NetworkInterface[],
  options: { readonly names: readonly string[]; readonly enableIpv6: boolean },
): FirstAddress {
  const { names, enableIpv6 } = options;
  const searched =
    names.length === 0
      ? interfaces
      : names.flatMap((name) => interfaces.filter((candidate) => candidate.name === name));
  let best: FirstAddress | undefined;
  for (const candidate of searched) {
    const found = bestOf(candidate, enableIpv6);
    if (found === undefined) continue;
    if (best === undefined || rank(found, enableIpv6) > rank(best, enableIpv6)) best = found;
    if (!best.linkLocal && (!enableIpv6 || isIpv6(best.ip))) return best;
  }
  if (best === undefined) {
    const known = interfaces.map(({ name }) => name).join(', ');
    throw new AdvertiseError(
      `none of the interfaces [${names.join(', ')}] has a usable address (interfaces that are up: ${known || 'none'}); name an interface that has one, or set the address itself`,
    );
  }
  return best;
}

/** Names of the interfaces that hold an RFC 1918 or fc00::/7 address; `eth0`, `en0` when there are none. As dskit's default for rings. */
export function privateInterfaceNames(interfaces: readonly NetworkInterface[]): readonly string[] {
  const names = interfaces
    .filter(({ addresses }) => addresses.some(({ ip }) => contains(SITE_PRIVATE, ip)))
    .map(({ name }) => name);
  return names.length > 0 ? names : FALLBACK_INTERFACE_NAMES;
}

function bestOf(owner: NetworkInterface, enableIpv6: boolean): FirstAddress | undefined {
  let best: FirstAddress | undefined;
  for (const { ip } of owner.addresses) {
    if (formatIp(ip) === undefined || contains(LOOPBACK, ip)) continue;
    if (isIpv6(ip) && !enableIpv6) continue;
    const found = { ip, interfaceName: owner.name, linkLocal: contains(LINK_LOCAL, ip) };
    if (best === undefined || rank(found, enableIpv6) > rank(best, enableIpv6)) best = found;
  }
  return best;
}

function rank(address: FirstAddress, enableIpv6: boolean): number {
  return (address.linkLocal ? 0 : 2) + (enableIpv6 && isIpv6(address.ip) ? 1 : 0);
}

function isIpv6(ip: Uint8Array): boolean {
  return toIpv4(ip) === undefined;
}

function contains(blocks: readonly IpNetwork[], ip: Uint8Array): boolean {
  return blocks.some((block) => networkContains(block, ip));
}

function networks(...texts: readonly string[]): readonly IpNetwork[] {
  return texts.map(parseNetwork).filter((block) => block !== undefined);
}
