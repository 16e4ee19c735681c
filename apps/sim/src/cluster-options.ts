import type { GossipConfig } from '@ml/gossip';
import type { AnyMergeable, Codec } from '@ml/kv';
import type { PartialConfig } from '@ml/runtime/config';
import type { ServerConfig } from '@ml/server/config';
import type { LinkFaults } from '@ml/transport/sim';
import type { NodeMode } from './sim-world.ts';

/** What a node may be given; what is left out comes from {@link SimClusterOptions}. */
export interface SimNodeOptions {
  /** Default: `node-<number>`. */
  readonly name?: string;
  /** Which discovery name it joins through. Default: `main`. */
  readonly cluster?: string;
  /** Whose links it has, and its availability zone in the ring. Default: none. */
  readonly zone?: string;
  /** Default: the next address that nobody had. */
  readonly ip?: string;
  /** Laid over the cluster's configuration, option by option. */
  readonly config?: PartialConfig<ServerConfig>;
  /** Laid over the cluster's gossip settings. */
  readonly gossip?: Partial<GossipConfig>;
  /** Whether the DNS lists it. Default true. */
  readonly listed?: boolean;
  readonly mode?: NodeMode;
}

/** How the network behaves, see SimNetwork of @ml/transport. */
export interface SimNetworkModel {
  /** Faults of links that have none of their own. Default: a latency of 0.2 to 1 ms. */
  readonly link?: LinkFaults;
  /** Whether packets travel as datagrams, or on connections as in dskit. Default: `tcp` for full nodes, else `datagram`. */
  readonly mode?: 'datagram' | 'tcp';
  /** Largest packet. Default: 10 MiB in mode `tcp`, 1400 for datagrams. */
  readonly maxPacketBytes?: number;
}

/** What a SimCluster is made of. */
export interface SimClusterOptions {
  /** Everything random follows from it. */
  readonly seed: bigint | number;
  /** How many nodes to add right away, or each of them. Default 0. */
  readonly nodes?: number | readonly SimNodeOptions[];
  /** What runs on the nodes. Default `full`. */
  readonly mode?: NodeMode;
  /** The configuration of the nodes, as of ml-server. Join entries default to the discovery name of the node's cluster. */
  readonly config?: PartialConfig<ServerConfig>;
  /** Replaces parts of the gossip protocol's settings. */
  readonly gossip?: Partial<GossipConfig>;
  readonly network?: SimNetworkModel;
  /** Codecs of values beyond rings, for workloads. Default: none. */
  readonly codecs?: readonly Codec<AnyMergeable>[];
  /** How many nodes a membership-only node may join through, the first ones of its cluster. Default 3. */
  readonly seeds?: number;
  /** Proves of every plain event that it left no continuation behind; slow, for tests. */
  readonly checkPlain?: boolean;
}
