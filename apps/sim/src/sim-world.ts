import type { GossipConfig, MemberPool } from '@ml/gossip';
import type { AnyMergeable, Codec } from '@ml/kv';
import type { VirtualRuntime } from '@ml/runtime/virtual';
import type { ServerConfig } from '@ml/server/config';
import type { SimNetwork } from '@ml/transport/sim';
import type { SimDns } from './dns.ts';
import type { SimEvent } from './events.ts';
import type { Trace } from './trace.ts';

/** Every simulated node gossips here. */
export const GOSSIP_PORT = 7946;

/**
 * What runs on a node. `full`: what ml-server runs, without its pages: gossip, KV store, ring, lifecycler, DNS
 * discovery. `membership`: gossip alone, joined through fixed seeds.
 */
export type NodeMode = 'full' | 'membership';

/** What a SimNode is made of. */
export interface SimNodeSpec {
  readonly name: string;
  /** Which discovery name it joins through. */
  readonly cluster: string;
  /** Whose links it has; also its availability zone in the ring, unless the configuration names one. */
  readonly zone: string;
  readonly mode: NodeMode;
  readonly config: ServerConfig;
  /** Replaces parts of the gossip protocol's settings. */
  readonly gossip: Partial<GossipConfig>;
  /** Whether the DNS lists it. */
  readonly listed: boolean;
}

/** What all nodes of a simulation share. */
export interface SimWorld {
  readonly runtime: VirtualRuntime;
  readonly network: SimNetwork;
  readonly dns: SimDns;
  readonly pool: MemberPool;
  /** Codecs of values beyond rings. */
  readonly codecs: readonly Codec<AnyMergeable>[];
  readonly trace: Trace;
  readonly emit: (event: SimEvent) => void;
  /** Addresses that a membership-only node joins through, never its own. */
  readonly seeds: (place: { readonly cluster: string; readonly ip: string }) => readonly string[];
}
