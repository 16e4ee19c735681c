import { TooFewHealthyInstancesError } from '../errors.ts';
import type { RingDesc } from './desc.ts';
import type { ReplicaTable } from './replica-table.ts';
import { ReplicaTableBuilder } from './replica-table-builder.ts';
import type { ReplicationStrategy } from './replication-strategy.ts';
import { buildTopology, type Topology } from './topology.ts';
import { tokensByZone, type ZoneTokens } from './zone-tokens.ts';

/** By then the walks that were made without a table have cost about as much as making it. */
const WALKS_PER_TOKEN = 1 / 64;
/** No table is made for fewer walks. */
const MIN_WALKS = 16;
/** Each further walk makes so many rows of the table: some 0.1 ms, so that no caller waits for all of them. */
const ROWS_PER_WALK = 4096;

export interface PlacementOptions {
  readonly replicationFactor: number;
  readonly zoneAwarenessEnabled: boolean;
  readonly strategy: ReplicationStrategy;
  /** Whether there are many such rings: the shards of tenants. */
  readonly oneOfMany: boolean;
}

/**
 * What look-ups need of a ring besides its health. All versions of the ring between two changes of its topology share
 * it. Everything in it is made when first needed.
 */
export class Placement {
  readonly #desc: RingDesc;
  readonly #options: PlacementOptions;
  #topology: Topology | undefined = undefined;
  #table: ReplicaTable | undefined = undefined;
  /** 'none': this ring cannot have a table. */
  #builder: ReplicaTableBuilder | 'none' | undefined = undefined;
  #fullMaxErrors = -1;
  #zones: readonly ZoneTokens[] | undefined = undefined;
  /** `undefined`: no walk yet. */
  #walksLeft: number | undefined = undefined;

  constructor(desc: RingDesc, options: PlacementOptions) {
    this.#desc = desc;
    this.#options = options;
  }

  /** Whether anything is made, and holds whatever states the instances change to. */
  get isSettled(): boolean {
    return this.#topology?.contested === false;
  }

  get topology(): Topology {
    this.#topology ??= buildTopology(this.#desc);
    return this.#topology;
  }

  /** The table of all walks, once it is made. */
  get table(): ReplicaTable | undefined {
    return this.#table;
  }

  /** Bytes that the table holds. */
  get tableBytes(): number {
    return this.#table?.byteLength ?? 0;
  }

  /** What may fail of the instances in a row of the table while all are healthy; -1: they are too few even then. */
  get fullMaxErrors(): number {
    return this.#fullMaxErrors;
  }

  /** Makes the table, unless this ring cannot have one. */
  makeTable(): void {
    for (;;) if (this.buildTable(Number.POSITIVE_INFINITY)) return;
  }

  /** Goes on making the table: at first the topology if there is none yet, then so many rows; true: nothing is left to do. */
  buildTable(rows: number): boolean {
    if (this.#table !== undefined || this.#builder === 'none') return true;
    if (this.#topology === undefined) return this.topology.tokens.length === 0;
    this.#builder ??= ReplicaTableBuilder.of(this.topology, this.#options) ?? 'none';
    if (this.#builder === 'none') return true;
    this.#table = this.#builder.fill(rows);
    if (this.#table === undefined) return false;
    this.#builder = undefined;
    this.#fullMaxErrors = fullMaxErrors(this.#table.width, this.#options);
    return true;
  }

  /** Notes walks without the table; when there have been enough of them it is made, piece by piece with each. */
  countWalks(count: number): void {
    this.#walksLeft ??= Math.max(MIN_WALKS, this.topology.tokens.length * WALKS_PER_TOKEN);
    if (this.#walksLeft >= 0) this.#walksLeft -= count;
    if (this.#walksLeft < 0) this.buildTable(count * ROWS_PER_WALK);
  }

  /** The tokens of each zone in the order of the topology's zones; without zone awareness all as of one zone. */
  get zoneTokens(): readonly ZoneTokens[] {
    this.#zones ??= tokensByZone(this.topology, this.#options.zoneAwarenessEnabled);
    return this.#zones;
  }
}

function fullMaxErrors(width: number, options: PlacementOptions): number {
  try {
    return options.strategy.maxErrors({
      healthy: width,
      unhealthy: [],
      replicationFactor: options.replicationFactor,
      zoneAware: options.zoneAwarenessEnabled,
    });
  } catch (error) {
    if (!(error instanceof TooFewHealthyInstancesError)) throw error;
    return -1;
  }
}
