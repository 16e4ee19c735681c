import type { InstanceDesc } from './instance.ts';
import { areUsable } from './lookup.ts';
import type { Operation } from './operation.ts';
import { ReplicaBuffer } from './replica-buffer.ts';
import { MAX_WIDTH, type ReplicaTable } from './replica-table.ts';
import type { ReplicationSet } from './replication-set.ts';
import type { RingView } from './view.ts';

/** A look-up of many keys. */
export interface BatchLookup {
  /** Unsigned 32-bit numbers. */
  readonly keys: ArrayLike<number>;
  readonly operation: Operation;
  readonly nowUnixMs: number;
}

/**
 * The instances of many keys, as a ring had them at one time. The answer to a key is mostly a reference to what the
 * ring has worked out already, so that a batch costs little more than finding its keys' tokens.
 */
export class KeyBatch {
  #instances: readonly InstanceDesc[] = [];
  /**
   * What the ring's table tells of each key, or, with all bits flipped, where its answer begins in {@link #others}: as
   * much of {@link #room} as there are keys, so that one look tells whether a number is that of a key.
   */
  #starts: Int32Array = new Int32Array(0);
  #room: Int32Array = this.#starts;
  #table: ReplicaTable | undefined = undefined;
  /** Bits of each position in what the table tells; 0 where it tells one of its rows. */
  #bits = 0;
  #rows: Int32Array = this.#starts;
  /** Bits of what the table tells, or of that row, that are the position of the first instance. */
  #ownerMask = 0;
  /** Instances of what the table tells, and how many of them may fail. */
  #width = 0;
  #maxErrors = 0;
  /** Answers that the table does not know: how many instances, how many may fail, the positions. */
  #others: number[] = [];

  /** How many keys. */
  get size(): number {
    return this.#starts.length;
  }

  /** The instances of the ring, ascending by id. Positions are indexes into it. */
  get instances(): readonly InstanceDesc[] {
    return this.#instances;
  }

  /**
   * Looks up all keys; as with single look-ups, one key without an answer is an error. What the batch held before is
   * gone, also when this throws; its memory is used again.
   * @throws {EmptyRingError | TooFewHealthyInstancesError}
   */
  fill(view: RingView, lookup: BatchLookup): void {
    const { placement } = view;
    const { keys } = lookup;
    this.#starts = this.#room.subarray(0, 0);
    this.#others = [];
    if (placement.table === undefined) placement.countWalks(keys.length);
    const table = placement.fullMaxErrors < 0 ? undefined : placement.table;
    this.#instances = view.instances;
    if (this.#room.length < keys.length) this.#room = new Int32Array(keys.length);
    const starts = this.#room.subarray(0, keys.length);
    this.#table = table;
    this.#bits = table?.wholeBits ?? 0;
    this.#rows = table?.rows ?? starts;
    this.#ownerMask = table?.ownerMask ?? 0;
    this.#width = table?.width ?? 0;
    this.#maxErrors = placement.fullMaxErrors;
    const health = view.healthFor(lookup.operation, lookup.nowUnixMs);
    if (table !== undefined && health.uniform) table.findAll(keys, starts);
    else this.#findEach(view, lookup, table, starts);
    this.#starts = starts;
  }

  /** How many instances key number `i` has. */
  count(i: number): number {
    const start = this.#start(i);
    return start >= 0 ? this.#width : (this.#others[~start] ?? 0);
  }

  /** How many of them may fail. */
  maxErrors(i: number): number {
    const start = this.#start(i);
    return start >= 0 ? this.#maxErrors : (this.#others[~start + 1] ?? 0);
  }

  /** The position of instance number `k` of key number `i`, along the ring; `k` must be below {@link count}. */
  position(i: number, k: number): number {
    const start = this.#start(i);
    const bits = this.#bits;
    const mask = this.#ownerMask;
    if (start >= 0 && bits !== 0) return (start >>> (k * bits)) & mask;
    if (start >= 0 && k === 0) return (this.#rows[start] ?? 0) & mask;
    const table = this.#table;
    if (start < 0 || table === undefined) return this.#others[~start + 2 + k] ?? 0;
    return table.position(start, k);
  }

  /** The answer to key number `i`, as a single look-up gives it. */
  get(i: number): ReplicationSet {
    const instances: InstanceDesc[] = [];
    for (let k = 0; k < this.count(i); k++) {
      const instance = this.#instances[this.position(i, k)];
      if (instance !== undefined) instances.push(instance);
    }
    return {
      instances,
      maxErrors: this.maxErrors(i),
      maxUnavailableZones: 0,
      zoneAwarenessEnabled: false,
    };
  }

  #start(i: number): number {
    const start = this.#starts[i];
    if (start === undefined) {
      throw new RangeError(`the batch has ${this.size} keys, none is number ${i}, counted from 0`);
    }
    return start;
  }

  #findEach(
    view: RingView,
    lookup: BatchLookup,
    table: ReplicaTable | undefined,
    starts: Int32Array,
  ): void {
    const { keys, operation, nowUnixMs } = lookup;
    const { flags } = view.healthFor(operation, nowUnixMs);
    const buffer = new ReplicaBuffer();
    const met = new Uint32Array(MAX_WIDTH);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? 0;
      if (table !== undefined) {
        const answer = table.find(key);
        table.read(answer, met);
        if (areUsable(met, table.width, flags)) {
          starts[i] = answer;
          continue;
        }
      }
      starts[i] = ~this.#others.length;
      const count = buffer.fill(view, key, operation, nowUnixMs);
      this.#others.push(count, buffer.maxErrors, ...buffer.positions.subarray(0, count));
    }
  }
}
