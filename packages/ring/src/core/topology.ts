import type { RingDesc } from './desc.ts';
import { STATE_CODES } from './instance-state.ts';
import { withoutDuplicates } from './token-index.ts';
import { compareUtf8 } from './utf8.ts';

/**
 * The part of a ring that look-ups walk and that heartbeats do not touch: who owns which token, in which zone.
 * Instances are numbered by their position in the ring's id order.
 */
export interface Topology {
  /** Every token once, ascending. */
  readonly tokens: Uint32Array;
  /** The owner of each token. */
  readonly owners: Uint32Array;
  /** How many tokens each instance owns. */
  readonly tokensOf: Uint32Array;
  /** Whether tokens were held by several instances; then states decide who owns them. */
  readonly contested: boolean;
  /** Zones in byte order; instances without a zone are in zone ''. */
  readonly zones: readonly string[];
  /** The zone of each instance, as an index into {@link zones}. */
  readonly zoneOf: Uint32Array;
  /** Instances by zone. */
  readonly instancesInZone: Uint32Array;
  /** Instances that hold tokens, by zone. */
  readonly withTokensInZone: Uint32Array;
  /** Instances that hold tokens and take new data, by zone. */
  readonly writableInZone: Uint32Array;
  readonly readOnlyInstances: number;
  /** The oldest registration in Unix seconds; 0 when any instance does not tell. */
  readonly oldestRegisteredUnixS: number;
  /** The oldest flip of `readOnly` among the read-only instances in Unix seconds; 0 when none is. */
  readonly oldestReadOnlyUpdatedUnixS: number;
}

/** Derives the topology of a ring. The token columns are those of the ring's own index. */
export function buildTopology(desc: RingDesc): Topology {
  const { instances } = desc;
  const index = withoutDuplicates(
    desc.tokenIndex,
    (position) => instances[position]?.stateCode === STATE_CODES.LEAVING,
  );
  const contested = desc.tokenIndex.duplicates > 0;
  const zones = [...new Set(instances.map(({ zone }) => zone))].sort(compareUtf8);
  const numbers = new Map(zones.map((zone, i) => [zone, i]));
  const zoneOf = Uint32Array.from(instances, ({ zone }) => numbers.get(zone) ?? 0);
  const readOnly = instances.filter((instance) => instance.readOnly);
  return {
    tokens: index.tokens,
    owners: index.owners,
    tokensOf: contested
      ? countOwned(index.owners, instances.length)
      : Uint32Array.from(instances, ({ tokens }) => tokens.size),
    contested,
    zones,
    zoneOf,
    ...countByZone(desc, zoneOf, zones.length),
    readOnlyInstances: readOnly.length,
    oldestRegisteredUnixS: oldest(instances.map(({ registeredUnixS }) => registeredUnixS)),
    oldestReadOnlyUpdatedUnixS: oldest(readOnly.map((instance) => instance.readOnlyUpdatedUnixS)),
  };
}

function countOwned(owners: Uint32Array, instances: number): Uint32Array {
  const counts = new Uint32Array(instances);
  for (const owner of owners) counts[owner] = (counts[owner] ?? 0) + 1;
  return counts;
}

function countByZone(
  desc: RingDesc,
  zoneOf: Uint32Array,
  zones: number,
): Pick<Topology, 'instancesInZone' | 'withTokensInZone' | 'writableInZone'> {
  const instancesInZone = new Uint32Array(zones);
  const withTokensInZone = new Uint32Array(zones);
  const writableInZone = new Uint32Array(zones);
  const count = (column: Uint32Array, zone: number): void => {
    column[zone] = (column[zone] ?? 0) + 1;
  };
  for (const [position, instance] of desc.instances.entries()) {
    const zone = zoneOf[position] ?? 0;
    count(instancesInZone, zone);
    if (instance.tokens.isEmpty) continue;
    count(withTokensInZone, zone);
    if (!instance.readOnly) count(writableInZone, zone);
  }
  return { instancesInZone, withTokensInZone, writableInZone };
}

function oldest(times: readonly number[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const time of times) least = Math.min(least, time);
  return Number.isFinite(least) ? Math.max(0, least) : 0;
}
