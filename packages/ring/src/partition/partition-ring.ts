import { shuffleShardRand } from '../core/go-rand.ts';
import { findToken } from '../core/lookup.ts';
import { buildTokenIndex, type TokenIndex, withoutDuplicates } from '../core/token-index.ts';
import type { TokenRange } from '../core/token-ranges.ts';
import { TOKEN_SPACE } from '../core/tokens.ts';
import { PartitionRingDesc } from './desc.ts';
import { NoActivePartitionError, UnknownPartitionError } from './errors.ts';
import type { PartitionDesc } from './partition.ts';
import { ShardCache, type ShardWindow } from './shard-cache.ts';

const MAX_KEY = TOKEN_SPACE - 1;
/** Shards that one version of a ring remembers. */
const CACHED_SHARDS = 512;

/** Which shard. */
export interface LookbackOptions {
  /** Partitions wanted; 0 or less: all. */
  readonly size: number;
  /** How far back partitions count that were in the shard, in milliseconds; 0: not at all. */
  readonly lookbackMs: number;
  readonly nowUnixMs: number;
}

/** One version of a partition ring, ready for look-ups, immutable. As `ring.PartitionRing` in dskit. */
export class PartitionRing {
  /** Without tombstones. */
  readonly desc: PartitionRingDesc;
  /** Ascending by id. */
  readonly partitions: readonly PartitionDesc[];
  readonly #ownersByPartition: ReadonlyMap<number, readonly string[]>;
  readonly #shards = new ShardCache<PartitionRing>(CACHED_SHARDS);
  #index: TokenIndex | undefined;

  private constructor(desc: PartitionRingDesc) {
    this.desc = desc;
    this.partitions = desc.partitions;
    const owners = new Map<number, string[]>();
    for (const { id, partitionId } of desc.owners) {
      const known = owners.get(partitionId);
      if (known === undefined) owners.set(partitionId, [id]);
      else known.push(id);
    }
    this.#ownersByPartition = owners;
  }

  static of(desc: PartitionRingDesc): PartitionRing {
    return new PartitionRing(desc.removeTombstones(undefined).value);
  }

  /** Ids of the partitions that can be written, ascending. */
  get activePartitionIds(): readonly number[] {
    return this.partitions.filter(({ state }) => state === 'Active').map(({ id }) => id);
  }

  /**
   * The partition that a key is written to: the active one whose token follows the key. `key` is an unsigned 32-bit
   * number.
   * @throws {NoActivePartitionError}
   */
  activePartitionForKey(key: number): number {
    const { tokens, owners } = this.#tokens();
    let at = findToken(tokens, key);
    for (let steps = 0; steps < tokens.length; steps++) {
      const partition = this.partitions[owners[at] ?? 0];
      if (partition?.state === 'Active') return partition.id;
      at = at + 1 === tokens.length ? 0 : at + 1;
    }
    throw new NoActivePartitionError();
  }

  /** Ids of the owners of a partition in byte order; none if it is unknown. */
  ownersOf(partitionId: number): readonly string[] {
    return this.#ownersByPartition.get(partitionId) ?? [];
  }

  /**
   * Ids of the instances that own a partition, for rings in which an instance may own several: owner ids are then
   * `<instance>/<partition>`. Order of {@link ownersOf}.
   */
  multiPartitionOwnersOf(partitionId: number): readonly string[] {
    return this.ownersOf(partitionId).map((id) => {
      const cut = id.lastIndexOf('/');
      return cut < 0 ? id : id.slice(0, cut);
    });
  }

  /**
   * The keys whose first following token is the partition's, whatever its state: ascending, adjacent ranges joined.
   * @throws {UnknownPartitionError}
   */
  tokenRanges(partitionId: number): readonly TokenRange[] {
    const position = this.partitions.findIndex(({ id }) => id === partitionId);
    if (position < 0) throw new UnknownPartitionError(partitionId);
    const { tokens, owners } = this.#tokens();
    const ranges: [from: number, to: number][] = [];
    const add = (from: number, to: number): void => {
      const last = ranges.at(-1);
      if (last !== undefined && last[1] + 1 === from) last[1] = to;
      else ranges.push([from, to]);
    };
    for (const [i, token] of tokens.entries()) {
      if (owners[i] === position && token > 0) add(i === 0 ? 0 : (tokens[i - 1] ?? 0), token - 1);
    }
    if (tokens.length > 0 && owners[0] === position) add(tokens.at(-1) ?? 0, MAX_KEY);
    return ranges;
  }

  /**
   * The active partitions of an identifier's shard, as a ring of their own with their owners. `size` 0 or less, or at
   * least the number of partitions: all active ones. Remembered for a number of identifiers.
   */
  shuffleShard(identifier: string, size: number): PartitionRing {
    return this.shuffleShardWithLookback(identifier, { size, lookbackMs: 0, nowUnixMs: 0 });
  }

  /** As {@link shuffleShard}, with the partitions that were in the shard at any time in the look-back. */
  shuffleShardWithLookback(identifier: string, options: LookbackOptions): PartitionRing {
    const untilUnixS =
      options.lookbackMs > 0
        ? Math.floor((options.nowUnixMs - options.lookbackMs) / 1000)
        : undefined;
    const total = this.partitions.length;
    const size = options.size <= 0 || options.size >= total ? total : Math.floor(options.size);
    const key = `${size} ${untilUnixS === undefined ? 'now' : options.lookbackMs} ${identifier}`;
    const known = this.#shards.get(key, untilUnixS);
    if (known !== undefined) return known;
    const shard = this.#shard(identifier, { size, untilUnixS });
    this.#shards.set(key, shard, shard.#windowFrom(untilUnixS));
    return shard;
  }

  #shard(
    identifier: string,
    wanted: { readonly size: number; readonly untilUnixS: number | undefined },
  ): PartitionRing {
    const { tokens, owners } = this.#tokens();
    const untilUnixS = wanted.untilUnixS ?? Number.POSITIVE_INFINITY;
    const random = shuffleShardRand(identifier, '');
    const seen = new Set<number>();
    const chosen = new Set<number>();
    let { size } = wanted;
    while (chosen.size < size && seen.size < this.partitions.length) {
      let at = findToken(tokens, random.uint32());
      let stopped = false;
      for (let steps = 0; steps < tokens.length && !stopped; steps++) {
        const owner = owners[at] ?? 0;
        at = at + 1 === tokens.length ? 0 : at + 1;
        const partition = this.partitions[owner];
        if (partition === undefined || seen.has(owner)) continue;
        seen.add(owner);
        if (partition.state === 'Pending') continue;
        const recent = partition.stateUnixS >= untilUnixS;
        if (!recent && partition.state !== 'Active') continue;
        chosen.add(partition.id);
        // One that has changed in the look-back comes on top, and the walk goes on to what it may have displaced.
        if (recent) size++;
        else stopped = true;
      }
      if (!stopped) break;
    }
    return this.#only(chosen);
  }

  #only(ids: ReadonlySet<number>): PartitionRing {
    return new PartitionRing(
      PartitionRingDesc.of(
        this.partitions.filter(({ id }) => ids.has(id)),
        this.desc.owners.filter(({ partitionId }) => ids.has(partitionId)),
      ),
    );
  }

  /** For which starts of a look-back this shard, computed for `untilUnixS`, stays the same. */
  #windowFrom(untilUnixS: number | undefined): ShardWindow | undefined {
    if (untilUnixS === undefined) return undefined;
    let toUnixS = Number.POSITIVE_INFINITY;
    for (const { stateUnixS } of this.partitions) {
      if (stateUnixS >= untilUnixS) toUnixS = Math.min(toUnixS, stateUnixS);
    }
    return { fromUnixS: untilUnixS, toUnixS };
  }

  #tokens(): TokenIndex {
    this.#index ??= withoutDuplicates(
      buildTokenIndex(this.partitions.map(({ tokens }) => tokens)),
      () => false,
    );
    return this.#index;
  }
}
