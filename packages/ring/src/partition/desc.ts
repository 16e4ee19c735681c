import type { Mergeable, MergeOutcome } from '@ml/kv';
import { nextStamp } from '../core/stamp.ts';
import { compareUtf8 } from '../core/utf8.ts';
import { OwnerDesc, PartitionDesc, type PartitionState, partitionTokens } from './partition.ts';

/**
 * A whole partition ring as the KV store holds it: partitions by number and their owners by id, immutable. It has no
 * heartbeats; the health of owners is that of their instances in the instance ring.
 *
 * Merging follows `ring.PartitionRingDesc` of dskit: the first tokens seen of a partition stay, its state and the lock
 * on it go by a time stamp each, owners by theirs. Idempotent, commutative and associative as long as no two writers
 * change the same entry in the same second. R-71
 */
export class PartitionRingDesc implements Mergeable<PartitionRingDesc> {
  static readonly empty: PartitionRingDesc = new PartitionRingDesc(new Map(), new Map());

  readonly #partitions: ReadonlyMap<number, PartitionDesc>;
  readonly #owners: ReadonlyMap<string, OwnerDesc>;

  private constructor(
    partitions: ReadonlyMap<number, PartitionDesc>,
    owners: ReadonlyMap<string, OwnerDesc>,
  ) {
    this.#partitions = partitions;
    this.#owners = owners;
  }

  /** A ring of these; of several with one id the last counts. */
  static of(
    partitions: Iterable<PartitionDesc>,
    owners: Iterable<OwnerDesc> = [],
  ): PartitionRingDesc {
    return new PartitionRingDesc(
      new Map(Array.from(partitions, (partition) => [partition.id, partition])),
      new Map(Array.from(owners, (owner) => [owner.id, owner])),
    );
  }

  /** Ascending by id, tombstones included. */
  get partitions(): readonly PartitionDesc[] {
    return Array.from(this.#partitions.values()).sort((a, b) => a.id - b.id);
  }

  /** Ascending by id (bytewise), tombstones included. */
  get owners(): readonly OwnerDesc[] {
    return Array.from(this.#owners.values()).sort((a, b) => compareUtf8(a.id, b.id));
  }

  partition(id: number): PartitionDesc | undefined {
    return this.#partitions.get(id);
  }

  owner(id: string): OwnerDesc | undefined {
    return this.#owners.get(id);
  }

  /** How many owners a partition has; with `updatedBeforeUnixMs` only those whose entry is older, by whole seconds. */
  ownersCount(partitionId: number, updatedBeforeUnixMs: number = Number.POSITIVE_INFINITY): number {
    const beforeUnixS = Math.floor(updatedBeforeUnixMs / 1000);
    let count = 0;
    for (const owner of this.#owners.values()) {
      const counts =
        owner.partitionId === partitionId && !owner.isDeleted && owner.updatedUnixS < beforeUnixS;
      if (counts) count++;
    }
    return count;
  }

  /** With a new partition, its tokens derived from the id. One that exists already stays as it is. */
  addPartition(id: number, state: PartitionState, nowUnixMs: number): PartitionRingDesc {
    const known = this.#partitions.get(id);
    if (known !== undefined && !known.isDeleted) return this;
    const stateUnixS = nextStamp(nowUnixMs, known?.stateUnixS ?? 0);
    return this.setPartition(
      PartitionDesc.of({ id, state, stateUnixS, tokens: known?.tokens ?? partitionTokens(id) }),
    );
  }

  /** With `partition` added, or put in the place of the one with its id. */
  setPartition(partition: PartitionDesc): PartitionRingDesc {
    if (this.#partitions.get(partition.id) === partition) return this;
    return new PartitionRingDesc(
      new Map(this.#partitions).set(partition.id, partition),
      this.#owners,
    );
  }

  /** With the partition in another state, stamped later than before. Nothing changes if it is in it or missing. */
  setPartitionState(id: number, state: PartitionState, nowUnixMs: number): PartitionRingDesc {
    const known = this.#partitions.get(id);
    if (known === undefined || known.state === state) return this;
    return this.setPartition(known.withState(state, nextStamp(nowUnixMs, known.stateUnixS)));
  }

  /** With the partition's state locked or unlocked. Nothing changes if it is so or missing. */
  setPartitionLock(id: number, locked: boolean, nowUnixMs: number): PartitionRingDesc {
    const known = this.#partitions.get(id);
    if (known === undefined || known.locked === locked) return this;
    return this.setPartition(
      known.with({ locked, lockedUnixS: nextStamp(nowUnixMs, known.lockedUnixS) }),
    );
  }

  /** Without the partition. */
  removePartition(id: number): PartitionRingDesc {
    if (!this.#partitions.has(id)) return this;
    const partitions = new Map(this.#partitions);
    partitions.delete(id);
    return new PartitionRingDesc(partitions, this.#owners);
  }

  /** With an active owner of a partition. Nothing changes, the stamp neither, if it is that already. */
  setOwner(id: string, partitionId: number, nowUnixMs: number): PartitionRingDesc {
    const known = this.#owners.get(id);
    if (known?.state === 'Active' && known.partitionId === partitionId) return this;
    const updatedUnixS = nextStamp(nowUnixMs, known?.updatedUnixS ?? 0);
    const owner = OwnerDesc.of({ id, partitionId, updatedUnixS });
    return new PartitionRingDesc(this.#partitions, new Map(this.#owners).set(id, owner));
  }

  /** Without the owner. */
  removeOwner(id: string): PartitionRingDesc {
    if (!this.#owners.has(id)) return this;
    const owners = new Map(this.#owners);
    owners.delete(id);
    return new PartitionRingDesc(this.#partitions, owners);
  }

  merge(
    incoming: PartitionRingDesc,
    options: { readonly localCas: boolean; readonly nowUnixMs: number },
  ): MergeOutcome<PartitionRingDesc> {
    if (!(incoming instanceof PartitionRingDesc)) {
      throw new TypeError('a partition ring merges with a partition ring only');
    }
    const nowUnixS = options.localCas ? Math.floor(options.nowUnixMs / 1000) : undefined;
    const partitions = mergeEntries(this.#partitions, incoming.#partitions, {
      merge: mergePartition,
      bury: (partition) =>
        nowUnixS === undefined || partition.isDeleted
          ? partition
          : partition.withState('Deleted', Math.max(nowUnixS, partition.stateUnixS)),
    });
    const owners = mergeEntries(this.#owners, incoming.#owners, {
      merge: mergeOwner,
      bury: (owner) =>
        nowUnixS === undefined || owner.isDeleted
          ? owner
          : owner.tombstone(Math.max(nowUnixS, owner.updatedUnixS)),
    });
    if (partitions.size === 0 && owners.size === 0) return { value: this, change: undefined };
    return {
      value: new PartitionRingDesc(
        new Map([...this.#partitions, ...partitions]),
        new Map([...this.#owners, ...owners]),
      ),
      change: new PartitionRingDesc(partitions, owners),
    };
  }

  /** Partition numbers in decimal and owner ids, in one list. */
  mergeContent(): readonly string[] {
    return [...Array.from(this.#partitions.keys(), String), ...this.#owners.keys()];
  }

  removeTombstones(limitUnixMs: number | undefined): {
    readonly value: PartitionRingDesc;
    readonly total: number;
    readonly removed: number;
  } {
    const isOld = (unixS: number): boolean =>
      limitUnixMs === undefined || unixS * 1000 < limitUnixMs;
    let total = 0;
    let removed = 0;
    const keeps = (isDeleted: boolean, unixS: number): boolean => {
      if (!isDeleted) return true;
      if (isOld(unixS)) removed++;
      else total++;
      return !isOld(unixS);
    };
    const partitions = new Map(
      Array.from(this.#partitions).filter(([, { isDeleted, stateUnixS }]) =>
        keeps(isDeleted, stateUnixS),
      ),
    );
    const owners = new Map(
      Array.from(this.#owners).filter(([, { isDeleted, updatedUnixS }]) =>
        keeps(isDeleted, updatedUnixS),
      ),
    );
    const value = removed === 0 ? this : new PartitionRingDesc(partitions, owners);
    return { value, total, removed };
  }
}

/** The entries that a merge changes, as they are afterwards. */
function mergeEntries<K, V>(
  own: ReadonlyMap<K, V>,
  incoming: ReadonlyMap<K, V>,
  rules: {
    /** The entry after merging: `own` itself if nothing changes. */
    readonly merge: (own: V | undefined, offered: V) => V | undefined;
    /** What becomes of an entry that was not offered. */
    readonly bury: (own: V) => V;
  },
): ReadonlyMap<K, V> {
  const changed = new Map<K, V>();
  for (const [key, offered] of incoming) {
    const known = own.get(key);
    const merged = rules.merge(known, offered);
    if (merged !== undefined && merged !== known) changed.set(key, merged);
  }
  for (const [key, known] of own) {
    if (incoming.has(key)) continue;
    const buried = rules.bury(known);
    if (buried !== known) changed.set(key, buried);
  }
  return changed;
}

/** An unknown partition is taken whole, whatever its stamp; of a known one state and lock are. R-71 */
function mergePartition(own: PartitionDesc | undefined, offered: PartitionDesc): PartitionDesc {
  if (own === undefined) return offered;
  let merged = own;
  const newer = offered.stateUnixS > own.stateUnixS;
  const buried = offered.stateUnixS === own.stateUnixS && offered.isDeleted && !own.isDeleted;
  if (newer || buried) {
    merged = merged.with({ stateCode: offered.stateCode, stateUnixS: offered.stateUnixS });
  }
  if (offered.lockedUnixS > own.lockedUnixS) {
    merged = merged.with({ locked: offered.locked, lockedUnixS: offered.lockedUnixS });
  }
  return merged;
}

/** An unknown owner counts as one of stamp 0. R-71 */
function mergeOwner(own: OwnerDesc | undefined, offered: OwnerDesc): OwnerDesc | undefined {
  const ownUnixS = own?.updatedUnixS ?? 0;
  const newer = offered.updatedUnixS > ownUnixS;
  const buried = offered.updatedUnixS === ownUnixS && offered.isDeleted && own?.isDeleted !== true;
  return newer || buried ? offered : own;
}
