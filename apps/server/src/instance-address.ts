import {
  type Address,
  AdvertiseError,
  formatIp,
  type NetworkInterface,
  parseIp,
  privateInterfaceNames,
  selectFirstAddress,
} from '@ml/transport';
import type { ServerConfig } from './config.ts';

/** What the choice depends on. */
export interface InstanceAddressInput {
  readonly config: ServerConfig;
  readonly interfaces: readonly NetworkInterface[];
  /** The port that pages are really served at. */
  readonly httpPort: number;
  /** What other members dial. */
  readonly gossipAddress: Address;
}

/**
 * Where the ring tells others to reach this node, configured instance address aside: the address that pages are
 * served at if it is a single one; else the first usable address of the configured interfaces, by default of those
 * with private addresses; else the advertised gossip host. S-31
 */
export function instanceAddress(input: InstanceAddressInput): Address {
  const { config, interfaces, httpPort: port } = input;
  const served = parseIp(config.server.httpListenAddress);
  if (served?.some((byte) => byte !== 0) === true) {
    return { host: config.server.httpListenAddress, port };
  }
  const { instanceInterfaceNames, instanceEnableIpv6: enableIpv6 } = config.ring;
  const names =
    instanceInterfaceNames.length > 0 ? instanceInterfaceNames : privateInterfaceNames(interfaces);
  try {
    const { ip } = selectFirstAddress(interfaces, { names, enableIpv6 });
    return { host: formatIp(ip) ?? input.gossipAddress.host, port };
  } catch (error) {
    // Named interfaces must have an address; a guess may fail.
    if (!(error instanceof AdvertiseError) || instanceInterfaceNames.length > 0) throw error;
    return { host: input.gossipAddress.host, port };
  }
}
