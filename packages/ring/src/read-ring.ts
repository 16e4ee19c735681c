import type { Clock } from '@ml/runtime';
import type { InstanceDesc } from './core/instance.ts';
import type { InstanceState } from './core/instance-state.ts';
import { KeyBatch } from './core/key-batch.ts';
import { lookUpKey, lookUpReplicas } from './core/lookup.ts';
import { nearestIds } from './core/nearest.ts';
import type { Operation } from './core/operation.ts';
import type { Placement } from './core/placement.ts';
import type { ReplicaBuffer } from './core/replica-buffer.ts';
import type { ReplicationSet } from './core/replication-set.ts';
import { pickShard } from './core/shuffle-shard.ts';
import { Subring } from './core/subring.ts';
import { SubringCache } from './core/subring-cache.ts';
import { type TokenRange, tokenRanges } from './core/token-ranges.ts';
import { RingView } from './core/view.ts';
import { allHealthy, wholeRing } from './core/whole-ring.ts';
import { UnknownInstanceError } from './errors.ts';

/** Counts of a ring's instances. */
export interface InstanceCounts {
  readonly instances: number;
  /** Instances that hold tokens. */
  readonly withTokens: number;
  /** Instances that hold tokens and take new data. */
  readonly writableWithTokens: number;
}

/** Look-ups on a ring as it is at the moment of each call. Nothing here waits. As `ReadRing` in dskit. */
export interface ReadRing {
  /** How many instances hold each key. */
  readonly replicationFactor: number;
  /** Zones in byte order; '' stands for instances without one. */
  readonly zones: readonly string[];
  /** The instances, ascending by id. */
  readonly instances: readonly InstanceDesc[];
  /** How many tokens the ring holds. */
  readonly tokensCount: number;
  /** Grows with each change of anything but states and heartbeats. */
  readonly topologyVersion: number;

  /**
   * The instances to send a key to. `key` is an unsigned 32-bit number; see `hashKey` for text.
   * @throws {EmptyRingError | ReplicationFactorError | TooFewHealthyInstancesError}
   */
  get(
    key: number,
    operation: Operation,
    options?: { readonly replicationFactor?: number },
  ): ReplicationSet;
  /**
   * {@link get} into a buffer that is used again and again, for callers that look up many keys one by one. Returns how
   * many instances there are.
   * @throws as {@link get}; the buffer then holds nothing
   */
  getInto(key: number, operation: Operation, buffer: ReplicaBuffer): number;
  /**
   * {@link get} for many keys at once, all at the same moment.
   * @param batch filled and returned; a batch that is used again spares the memory for new ones. Default: a new one.
   * @throws as {@link get}, for the first key that has no answer; the batch then holds nothing
   */
  getBatch(keys: ArrayLike<number>, operation: Operation, batch?: KeyBatch): KeyBatch;
  /**
   * Every healthy instance, also those without tokens.
   * @throws {EmptyRingError}
   */
  getAllHealthy(operation: Operation): ReplicationSet;
  /**
   * The instances to ask when all data is wanted. As `GetReplicationSetForOperation` in dskit.
   * @throws {EmptyRingError | TooManyUnhealthyInstancesError}
   */
  replicationSetFor(operation: Operation): ReplicationSet;
  /** The ring of the instances whose state the operation accepts, whatever their heartbeats. It does not change any more. */
  subringFor(operation: Operation): ReadRing;
  /**
   * A tenant's part of the ring: `size` instances, rounded up to the same number in each zone, which stay the same
   * while the ring does not change, and change by one at most (in a zone) when one instance comes or goes. 0 or less:
   * all instances that take new data. It has the ring's states and heartbeats until the ring changes its topology,
   * and is kept for the next call; a caller should ask again rather than hold on to it. As `ShuffleShard` in dskit.
   */
  shuffleShard(identifier: string, size: number): ReadRing;
  /**
   * {@link shuffleShard} with every instance that was in the shard at any time in the last `lookbackMs`. As
   * `ShuffleShardWithLookback` in dskit.
   * @param nowUnixMs default: now.
   */
  shuffleShardWithLookback(
    identifier: string,
    size: number,
    lookbackMs: number,
    nowUnixMs?: number,
  ): ReadRing;
  /** Frees what is kept for the shards of a tenant that is gone. At most 10 000 tenants are kept in any case. */
  forgetShards(identifier: string): void;
  /**
   * The keys that an instance holds, where zones and replicas are equally many.
   * @throws {UnknownInstanceError | TokenRangesError}
   */
  tokenRanges(instanceId: string): readonly TokenRange[];
  /** The instance, `undefined` when the ring does not hold it. */
  instance(id: string): InstanceDesc | undefined;
  /** @throws {UnknownInstanceError} */
  instanceState(id: string): InstanceState;
  /** Of the whole ring or of one zone. */
  counts(zone?: string): InstanceCounts;
}

/** {@link ReadRing} over whatever view is current. */
export class ViewReader implements ReadRing {
  readonly #view: () => RingView;
  readonly #clock: Clock;
  readonly #keepsShards: boolean;
  /** Shards of the topology in {@link #shardsOf}. */
  #shards: SubringCache<ReadRing> | undefined = undefined;
  #shardsOf: Placement | undefined = undefined;

  /** @param keepsShards off for shards themselves: there may be thousands of them. */
  constructor(view: () => RingView, clock: Clock, keepsShards: boolean = true) {
    this.#view = view;
    this.#clock = clock;
    this.#keepsShards = keepsShards;
  }

  get replicationFactor(): number {
    return this.#view().options.replicationFactor;
  }

  get zones(): readonly string[] {
    return this.#view().topology.zones;
  }

  get instances(): readonly InstanceDesc[] {
    return this.#view().instances;
  }

  get tokensCount(): number {
    return this.#view().topology.tokens.length;
  }

  get topologyVersion(): number {
    return this.#view().topologyVersion;
  }

  get(
    key: number,
    operation: Operation,
    options?: { readonly replicationFactor?: number },
  ): ReplicationSet {
    const nowUnixMs = this.#clock.unixMs();
    const replicationFactor = options?.replicationFactor;
    if (replicationFactor === undefined) return lookUpKey(this.#view(), key, operation, nowUnixMs);
    return lookUpReplicas(this.#view(), { key, operation, nowUnixMs, replicationFactor });
  }

  getInto(key: number, operation: Operation, buffer: ReplicaBuffer): number {
    return buffer.fill(this.#view(), key, operation, this.#clock.unixMs());
  }

  getBatch(
    keys: ArrayLike<number>,
    operation: Operation,
    batch: KeyBatch = new KeyBatch(),
  ): KeyBatch {
    batch.fill(this.#view(), { keys, operation, nowUnixMs: this.#clock.unixMs() });
    return batch;
  }

  getAllHealthy(operation: Operation): ReplicationSet {
    return allHealthy(this.#view(), operation, this.#clock.unixMs());
  }

  replicationSetFor(operation: Operation): ReplicationSet {
    return wholeRing(this.#view(), operation, this.#clock.unixMs());
  }

  subringFor(operation: Operation): ReadRing {
    const view = this.#view();
    const accepted = view.desc.filter((instance) => operation.acceptsInstance(instance));
    const subring = RingView.of(accepted, view.options);
    return new ViewReader(() => subring, this.#clock);
  }

  shuffleShard(identifier: string, size: number): ReadRing {
    return this.#shard(identifier, size, 0, 0);
  }

  shuffleShardWithLookback(
    identifier: string,
    size: number,
    lookbackMs: number,
    nowUnixMs: number = this.#clock.unixMs(),
  ): ReadRing {
    if (!(lookbackMs > 0)) return this.#shard(identifier, size, 0, 0);
    return this.#shard(identifier, size, lookbackMs, Math.floor((nowUnixMs - lookbackMs) / 1000));
  }

  forgetShards(identifier: string): void {
    this.#shards?.delete(identifier);
  }

  tokenRanges(instanceId: string): readonly TokenRange[] {
    return tokenRanges(this.#view(), instanceId);
  }

  instance(id: string): InstanceDesc | undefined {
    return this.#view().desc.get(id);
  }

  instanceState(id: string): InstanceState {
    const { desc } = this.#view();
    const found = desc.get(id);
    if (found === undefined) throw new UnknownInstanceError(id, nearestIds(desc, id));
    return found.state;
  }

  counts(zone?: string): InstanceCounts {
    const { topology } = this.#view();
    const columns = [
      topology.instancesInZone,
      topology.withTokensInZone,
      topology.writableInZone,
    ] as const;
    const count = (column: Uint32Array): number =>
      zone === undefined
        ? column.reduce((sum, inZone) => sum + inZone, 0)
        : (column[topology.zones.indexOf(zone)] ?? 0);
    const [instances, withTokens, writableWithTokens] = columns;
    return {
      instances: count(instances),
      withTokens: count(withTokens),
      writableWithTokens: count(writableWithTokens),
    };
  }

  #shard(identifier: string, size: number, lookbackMs: number, sinceUnixS: number): ReadRing {
    const view = this.#view();
    const cache = this.#shardCache(view);
    const cached = cache?.get(identifier, size, lookbackMs, sinceUnixS);
    if (cached !== undefined) return cached.ring;
    const request = { identifier, size, sinceUnixS: lookbackMs > 0 ? sinceUnixS : undefined };
    const shard = pickShard(view, request);
    if (shard === undefined) return this;
    const subring = new Subring(this.#view, shard.positions, cache);
    const ring = new ViewReader(subring.view, this.#clock, false);
    const toUnixS = lookbackMs > 0 ? shard.holdsUntilUnixS : 0;
    cache?.set(identifier, { size, lookbackMs, fromUnixS: sinceUnixS, toUnixS, ring });
    return ring;
  }

  #shardCache(view: RingView): SubringCache<ReadRing> | undefined {
    if (!this.#keepsShards) return undefined;
    if (this.#shardsOf !== view.placement) {
      this.#shardsOf = view.placement;
      this.#shards = undefined;
    }
    this.#shards ??= new SubringCache();
    return this.#shards;
  }
}
