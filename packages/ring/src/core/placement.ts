import { TooFewHealthyInstancesError } from '../errors.ts';
import { ReplicaTable } from './replica-table.ts';
import type { ReplicationStrategy } from './replication-strategy.ts';
import type { Topology } from './topology.ts';
import { tokensByZone, type ZoneTokens } from './zone-tokens.ts';

/** By then the walks that were made without a table have cost about as much as making it. */
const WALKS_PER_TOKEN = 1 / 16;
/** No table is made for fewer walks. */
const MIN_WALKS = 16;

export interface PlacementOptions {
  readonly replicationFactor: number;
  readonly zoneAwarenessEnabled: boolean;
  readonly strategy: ReplicationStrategy;
}

/**
 * What look-ups need of a ring besides its health. All versions of a ring between two changes of its topology share
 * it, with everything in it that is made when first needed.
 */
export class Placement {
  readonly topology: Topology;
  /** What may fail of the instances in a row of the table while all are healthy; -1: they are too few even then. */
  readonly fullMaxErrors: number;
  readonly #options: PlacementOptions;
  readonly #width: number;
  #walksLeft: number;
  #table: ReplicaTable | undefined = undefined;
  #zones: readonly ZoneTokens[] | undefined = undefined;

  constructor(topology: Topology, options: PlacementOptions) {
    this.topology = topology;
    this.#options = options;
    this.#width = ReplicaTable.widthFor(topology, options);
    this.fullMaxErrors = fullMaxErrors(this.#width, options);
    this.#walksLeft = Math.max(MIN_WALKS, topology.tokens.length * WALKS_PER_TOKEN);
  }

  /** The table of all walks, once it is made. */
  get table(): ReplicaTable | undefined {
    return this.#table;
  }

  /** Bytes that the table holds. */
  get tableBytes(): number {
    return this.#table?.byteLength ?? 0;
  }

  /** Makes the table, unless this ring cannot have one. */
  makeTable(): void {
    if (this.#width > 0) this.#table ??= ReplicaTable.of(this.topology, this.#options);
  }

  /** Notes walks without the table; makes it when there have been enough of them. */
  countWalks(count: number): void {
    this.#walksLeft -= count;
    if (this.#walksLeft < 0 && this.#table === undefined) this.makeTable();
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
