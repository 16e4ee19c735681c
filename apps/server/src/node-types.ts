import type { DnsProvider, Resolver } from '@ml/dns-discovery';
import type { GossipConfig, MemberPool } from '@ml/gossip';
import type { AnyMergeable, Codec, MemberlistKv } from '@ml/kv';
import type { Registerer } from '@ml/metrics';
import type { BasicLifecycler, Lifecycler, Ring, TokensStore } from '@ml/ring';
import type { Runtime } from '@ml/runtime';
import type { Address, Transport } from '@ml/transport';
import type { ServerConfig } from './config.ts';
import type { Readiness } from './readiness.ts';

/** What a node is made of. */
export interface NodeOptions {
  readonly config: ServerConfig;
  readonly runtime: Runtime;
  /** Becomes the node's: it is closed with it. */
  readonly transport: Transport;
  readonly resolver: Resolver;
  /** Default: nothing is measured. */
  readonly registerer?: Registerer;
  /** Name of member and ring instance where the configuration gives none. Default: `localhost`. */
  readonly hostname?: string;
  /** Codecs of values beyond rings and what Pyroscope gossips. */
  readonly codecs?: readonly Codec<AnyMergeable>[];
  /** Where ring tokens survive a restart. Default: nowhere. */
  readonly tokensStore?: TokensStore;
  /** Replaces parts of the gossip protocol's settings, for experiments. */
  readonly gossip?: Partial<GossipConfig>;
  /** Shared between nodes of one process to keep each member's data once. Default: one of its own. */
  readonly pool?: MemberPool;
}

/** How a node is started. */
export interface StartOptions {
  /**
   * Where the ring tells others to reach this node; the host is replaced by a configured instance address, the port by
   * a configured instance port. Default: the advertised gossip host and -server.http-listen-port.
   */
  readonly instanceAddress?: Address;
  /** Gives the start up: it rejects, and the node can only be closed then. */
  readonly signal?: AbortSignal;
}

/** One ring that a node can show. */
export interface NodeRing {
  readonly name: string;
  /** Other names for it in addresses of pages. */
  readonly aliases: readonly string[];
  /** Its key in the store. */
  readonly key: string;
  readonly heartbeatTimeoutMs: number;
}

/** A part of a node and how far it is. */
export interface ServiceStatus {
  readonly name: string;
  readonly state: 'New' | 'Starting' | 'Running' | 'Stopping' | 'Terminated' | 'Failed';
}

/** What a node tells of itself at any time of its life. */
export interface NodeStatus {
  readonly kv: MemberlistKv;
  readonly dns: DnsProvider;
  /** What other members dial. */
  readonly gossipAddress: Address;
  /** The ring of the configuration; of an observer that was told what to observe, the first of those. S-40 */
  readonly ownRing: NodeRing;
  /** Every ring that the store holds, the own one first. */
  rings(): readonly NodeRing[];
  services(): readonly ServiceStatus[];
  /** Whether the node may get work, and if not, what it waits for. Never rejects. */
  readiness(): Promise<Readiness>;
}

/** A running node. Disposing it without {@link ClusterNode.leave} is a crash to the others. */
export interface ClusterNode extends NodeStatus, AsyncDisposable {
  /** As {@link NodeStatus.ownRing}, followed. */
  readonly ring: Ring;
  /** The further rings of the configuration. */
  readonly observedRings: readonly Ring[];
  /** `undefined` for an observer, which is in no ring itself. */
  readonly lifecycler: Lifecycler | BasicLifecycler | undefined;
  /** Resolves when the node is ready, and looks every 100 ms. Rejects with the signal's reason, or when the node closes. */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Leaves the ring, then the cluster. Never rejects; leaving again waits for the first. */
  leave(): Promise<void>;
  /** Stops without waiting for the news of it to spread: a crash to the others, unless the node has left. Idempotent. */
  close(): Promise<void>;
}

/** A node that is not started: nothing was sent yet. It already tells what it is and how far. */
export interface PreparedNode extends NodeStatus, AsyncDisposable {
  /**
   * Starts the store, follows the ring and registers in it. Joining the cluster and the ring goes on behind it, see
   * {@link ClusterNode.ready}. @throws {FastJoinError} @throws {JoinRingError} after closing everything.
   */
  start(options?: StartOptions): Promise<ClusterNode>;
  leave(): Promise<void>;
  close(): Promise<void>;
}
