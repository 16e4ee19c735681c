import type { DnsProvider } from '@ml/dns-discovery';
import type { GossipConfig, Memberlist, MemberPool } from '@ml/gossip';
import type { Registerer } from '@ml/metrics';
import type { Runtime } from '@ml/runtime';
import type { Transport } from '@ml/transport';
import type { KvClient } from './client.ts';
import type { Codec } from './codec.ts';
import type { MemberlistKvConfig } from './config.ts';
import { KvService } from './kv-service.ts';
import type { AnyMergeable, Mergeable } from './mergeable.ts';
import type { KvEntryView, KvMessageView, KvState, KvStatus } from './status.ts';

export interface MemberlistKvOptions {
  readonly config: MemberlistKvConfig;
  /** All codecs whose values this node stores and passes on; of two with one id the later counts. */
  readonly codecs: readonly Codec<AnyMergeable>[];
  readonly runtime: Runtime;
  /** Becomes the store's: it is closed with it. */
  readonly transport: Transport;
  readonly dns: Pick<DnsProvider, 'resolve'>;
  /** Every address of a host name, for join entries without a discovery prefix. */
  readonly resolveHost: (
    host: string,
    options: { readonly signal?: AbortSignal },
  ) => Promise<readonly string[]>;
  readonly metrics?: Registerer;
  /** Name of the node when the configuration gives none: the host name. */
  readonly name?: string;
  /**
   * Joins those that the join entries lead to but that are no members, so that a cut-off node finds back by itself.
   * As -cluster.rejoin-interval of ml-server. Default: off.
   */
  readonly clusterRejoin?: { readonly intervalMs: number; readonly jitter?: number };
  /** Replaces parts of what the gossip protocol is set to. For experiments; peers expect the defaults. */
  readonly gossip?: Partial<GossipConfig>;
  /** Shared between nodes of one process to keep each member's data once. Default: one of its own. */
  readonly pool?: MemberPool;
  readonly limits?: Partial<MemberlistKvLimits>;
}

/** Bounds on what a store keeps. */
export interface MemberlistKvLimits {
  /** Keys; further ones are refused, whoever writes them. Default 10 000. */
  readonly maxKeys: number;
  /** Changes that wait in each of the two queues; beyond it the oldest are left to the full exchange. Default 4096. */
  readonly maxQueuedMessages: number;
  /** Attempts of one CAS. Default 10, as in dskit. */
  readonly casAttempts: number;
  /** Wait before the next attempt of a CAS that changed nothing. Default 1 s, as in dskit. */
  readonly casNoChangeWaitMs: number;
}

/** A key-value store that members of a cluster keep in step by gossip. */
export interface MemberlistKv extends AsyncDisposable {
  /** Name of this node, with its random suffix. */
  readonly name: string;
  readonly state: KvState;
  /** The membership below; `undefined` until the store has started. */
  readonly memberlist: Memberlist | undefined;
  /** Operations wait until the store has started. @throws {CodecNotRegisteredError} */
  client<T extends Mergeable<T>>(codec: Codec<T>): KvClient<T>;
  status(): KvStatus;
  /** One key with its whole value, tombstones included. */
  entry(key: string): KvEntryView | undefined;
  /** One message of the history. */
  message(id: number): KvMessageView | undefined;
  clearHistory(): void;
  /**
   * How many addresses answered the startup join, which goes on after the store has started: 0 without join entries.
   * @throws {ClusterJoinError} when joining was given up @throws {KvClosedError}
   */
  joined(options?: { readonly signal?: AbortSignal }): Promise<number>;
  /** Resolves to the last state: `terminated`, or `failed` with the reason. Never rejects but by the signal. */
  ended(options?: { readonly signal?: AbortSignal }): Promise<KvState>;
  /**
   * Leaves the cluster: waits until own changes are sent and the news of leaving has spread, both within their
   * limits. Reading and deleting go on working until {@link close}. Never throws; leaving again waits for the first.
   */
  leave(): Promise<void>;
  /** Stops everything at once: without {@link leave} the others take it for a crash. Idempotent. */
  close(): Promise<void>;
}

/** A store that is not started yet. Its clients may be used; they wait. */
export interface PreparedMemberlistKv extends MemberlistKv {
  /** Listens, and contacts a few members. @throws as {@link createMemberlistKv}; the store is closed then. */
  start(): Promise<void>;
}

/** A store that has not been started: nothing listens, nothing is sent. As dskit's KVInitService before its first use. */
export function prepareMemberlistKv(options: MemberlistKvOptions): PreparedMemberlistKv {
  return new KvService(options);
}

/**
 * A started store: it listens, has contacted a few members and goes on joining. When nobody answered it works alone
 * until somebody does. Everything is cleaned up when it rejects.
 * @throws {FastJoinError} when nobody answered and the configuration says to give up then @throws {GossipConfigError}
 */
export async function createMemberlistKv(options: MemberlistKvOptions): Promise<MemberlistKv> {
  const kv = new KvService(options);
  await kv.start();
  return kv;
}
