import { rfc3339 } from '../core/ring-page.ts';
import { wellFormed } from '../core/utf8.ts';
import type { PartitionRingDesc } from './desc.ts';
import { PartitionRing } from './partition-ring.ts';

/** One partition on the status page, under the names that dskit's page answers with. R-74 */
export interface PartitionStatus {
  readonly id: number;
  /** Whether owners name it although the ring does not hold it. */
  readonly corrupted: boolean;
  /** The state's wire number. */
  readonly state: number;
  /** RFC 3339, UTC. */
  readonly state_timestamp: string;
  readonly owner_ids: readonly string[] | null;
  readonly tokens: readonly number[] | null;
  readonly state_change_locked: boolean;
}

/** What a partition ring's status page answers with as JSON; `null` stands for empty lists, as dskit writes them. */
export interface PartitionRingStatus {
  readonly partitions: readonly PartitionStatus[] | null;
}

/** Unset times are shown as the year 1. */
const UNSET_TIME = '0001-01-01T00:00:00Z';

/** The JSON of a partition ring's status page: partitions ascending by id, also those that only owners name. */
export function partitionRingStatus(desc: PartitionRingDesc): PartitionRingStatus {
  const ring = PartitionRing.of(desc);
  const rows = ring.partitions.map((partition) => ({
    id: partition.id,
    corrupted: false,
    state: partition.stateCode,
    state_timestamp: rfc3339(partition.stateUnixS),
    owner_ids: orNull(ring.ownersOf(partition.id).map(wellFormed)),
    tokens: orNull(Array.from(partition.tokens)),
    state_change_locked: partition.locked,
  }));
  const named = new Set(ring.desc.owners.map(({ partitionId }) => partitionId));
  for (const id of named) {
    if (ring.desc.partition(id) !== undefined) continue;
    rows.push({
      id,
      corrupted: true,
      state: 0,
      state_timestamp: UNSET_TIME,
      owner_ids: orNull(ring.ownersOf(id).map(wellFormed)),
      tokens: null,
      state_change_locked: false,
    });
  }
  return { partitions: orNull(rows.sort((a, b) => a.id - b.id)) };
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
