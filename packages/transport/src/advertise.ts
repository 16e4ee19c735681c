import { AdvertiseError } from './errors.ts';
import { type NetworkInterface, selectFirstAddress, selectPrivateAddress } from './interfaces.ts';
import { formatIp, parseIp, toIpv4, toIpv6 } from './ip.ts';
import type { Address } from './transport.ts';

/** What the choice of the advertised address depends on. */
export interface AdvertiseInput {
  /** -memberlist.advertise-addr; empty when not set. */
  readonly advertiseAddr: string;
  /** -memberlist.advertise-port; counts only together with `advertiseAddr`. */
  readonly advertisePort: number;
  /** The first configured bind address, as written; empty counts as 0.0.0.0. */
  readonly bindAddr: string;
  /** The port that the first listener really has. */
  readonly boundPort: number;
  readonly interfaces: readonly NetworkInterface[];
}

/** The advertised address as peers dial it and as it goes into gossip messages. */
export interface Advertised {
  readonly address: Address;
  /** 16 bytes for configured and detected addresses (IPv4 mapped), 4 for IPv4 taken from the listener. T-11 */
  readonly ip: Uint8Array;
}

/**
 * What a node tells others to dial. As dskit: a set advertise address goes with the advertise port (not the bind
 * port); 0.0.0.0 means a private address of this machine; `::` the first usable one, IPv6 preferred; anything else
 * is advertised as bound. T-11
 *
 * @throws {AdvertiseError} when the advertise address is no IP or none can be found.
 */
export function chooseAdvertised(input: AdvertiseInput): Advertised {
  if (input.advertiseAddr !== '') {
    const ip = parseIp(input.advertiseAddr);
    if (ip === undefined) {
      throw new AdvertiseError(
        `advertise address ${JSON.stringify(input.advertiseAddr)} is not an IP address; set -memberlist.advertise-addr to the IP that other members can dial`,
      );
    }
    return advertised(toIpv6(ip) ?? ip, input.advertisePort);
  }
  if (input.bindAddr === '' || input.bindAddr === '0.0.0.0') {
    const ip = selectPrivateAddress(input.interfaces);
    if (ip === undefined) {
      throw new AdvertiseError(
        'this machine has no private IP address to tell other members; set -memberlist.advertise-addr to the IP that they can dial',
      );
    }
    return advertised(toIpv6(ip) ?? ip, input.boundPort);
  }
  if (input.bindAddr === '::') {
    const { ip } = selectFirstAddress(input.interfaces, { names: [], enableIpv6: true });
    return advertised(toIpv6(ip) ?? ip, input.boundPort);
  }
  const ip = parseIp(input.bindAddr);
  if (ip === undefined)
    throw new AdvertiseError(`bind address ${JSON.stringify(input.bindAddr)} is not an IP address`);
  return advertised(toIpv4(ip) ?? ip, input.boundPort);
}

function advertised(ip: Uint8Array, port: number): Advertised {
  const host = formatIp(ip);
  if (host === undefined)
    throw new AdvertiseError(`an address of ${ip.length} bytes is not an IP address`);
  return { address: { host, port }, ip: Uint8Array.from(ip) };
}
