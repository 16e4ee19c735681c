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
  /** How many keys. */
  readonly size: number;
  /** The instances of the ring, ascending by id. Positions are indexes into it. */
  readonly instances: readonly InstanceDesc[];
  /** The row of the ring's table that answers each key, or, {@link #rows} more, where its answer begins in {@link #others}. */
  readonly #starts: Uint32Array;
  readonly #table: ReplicaTable | undefined;
  /** Rows of the table. */
  readonly #rows: number;
  readonly #maxErrors: number;
  /** Answers that are no row: how many instances, how many may fail, the positions. */
  readonly #others: number[] = [];

  /**
   * Looks up all keys; as with single look-ups, one key without an answer is an error.
   * @throws {EmptyRingError | TooFewHealthyInstancesError}
   */
  constructor(view: RingView, lookup: BatchLookup) {
    const { placement } = view;
    const { keys } = lookup;
    if (placement.table === undefined) placement.countWalks(keys.length);
    const table = placement.fullMaxErrors < 0 ? undefined : placement.table;
    this.size = keys.length;
    this.instances = view.instances;
    this.#starts = new Uint32Array(keys.length);
    this.#table = table;
    this.#rows = table?.size ?? 0;
    this.#maxErrors = placement.fullMaxErrors;
    const health = view.healthFor(lookup.operation, lookup.nowUnixMs);
    if (table !== undefined && health.uniform) table.findAll(keys, this.#starts);
    else this.#findEach(view, lookup, table);
  }

  /** How many instances key number `i` has. */
  count(i: number): number {
    const other = this.#start(i) - this.#rows;
    return other < 0 ? (this.#table?.width ?? 0) : (this.#others[other] ?? 0);
  }

  /** How many of them may fail. */
  maxErrors(i: number): number {
    const other = this.#start(i) - this.#rows;
    return other < 0 ? this.#maxErrors : (this.#others[other + 1] ?? 0);
  }

  /** The position of instance number `k` of key number `i`, along the ring; `k` must be below {@link count}. */
  position(i: number, k: number): number {
    const start = this.#starts[i] ?? 0;
    const other = start - this.#rows;
    if (other < 0) return this.#table?.position(start, k) ?? 0;
    return this.#others[other + 2 + k] ?? 0;
  }

  /** The answer to key number `i`, as a single look-up gives it. */
  get(i: number): ReplicationSet {
    const instances: InstanceDesc[] = [];
    for (let k = 0; k < this.count(i); k++) {
      const instance = this.instances[this.position(i, k)];
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
    if (start === undefined) throw new RangeError(`the batch has ${this.size} keys, not ${i + 1}`);
    return start;
  }

  #findEach(view: RingView, lookup: BatchLookup, table: ReplicaTable | undefined): void {
    const { keys, operation, nowUnixMs } = lookup;
    const { flags } = view.healthFor(operation, nowUnixMs);
    const buffer = new ReplicaBuffer();
    const met = new Uint32Array(MAX_WIDTH);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] ?? 0;
      if (table !== undefined) {
        const row = table.find(key);
        table.read(row, met);
        if (areUsable(met, table.width, flags)) {
          this.#starts[i] = row;
          continue;
        }
      }
      this.#starts[i] = this.#rows + this.#others.length;
      const count = buffer.fill(view, key, operation, nowUnixMs);
      this.#others.push(count, buffer.maxErrors, ...buffer.positions.subarray(0, count));
    }
  }
}
