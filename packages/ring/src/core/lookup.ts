/**
 * The way of a key to its instances: `ReadRing.get` (read-ring.ts) → this file, which judges the instances that the
 * key's walk meets → replica-table.ts, which knows the outcome of all plain walks, or walk.ts, which walks.
 */
import { EmptyRingError, ReplicationFactorError } from '../errors.ts';
import type { InstanceDesc } from './instance.ts';
import type { Operation } from './operation.ts';
import { EXTENDS, USABLE } from './operation-health.ts';
import type { ReplicaTable } from './replica-table.ts';
import type { ReplicationSet } from './replication-set.ts';
import type { RingView } from './view.ts';
import { walkRing } from './walk.ts';

export { findToken } from './walk.ts';

/** A look-up of one key. */
export interface KeyLookup {
  /** The key: an unsigned 32-bit number. */
  readonly key: number;
  readonly operation: Operation;
  readonly nowUnixMs: number;
  /** Replicas wanted; counts when it is more than the ring's own and the strategy can expand. */
  readonly replicationFactor?: number | undefined;
}

/**
 * The instances that hold a key: the owners of the tokens that follow it, as many different ones as there are
 * replicas, in different zones if the ring is zone aware. Order: along the ring, healthy ones only. R-32
 * @throws {EmptyRingError | ReplicationFactorError | TooFewHealthyInstancesError}
 */
export function lookUpKey(view: RingView, lookup: KeyLookup): ReplicationSet {
  const { placement } = view;
  const { table } = placement;
  if (
    lookup.replicationFactor === undefined &&
    table !== undefined &&
    placement.fullMaxErrors >= 0
  ) {
    const { flags } = view.healthFor(lookup.operation, lookup.nowUnixMs);
    const instances = healthyRow(view.instances, table, table.find(lookup.key), flags);
    if (instances !== undefined) {
      return {
        instances,
        maxErrors: placement.fullMaxErrors,
        maxUnavailableZones: 0,
        zoneAwarenessEnabled: false,
      };
    }
  }
  return judge(view, lookup, meet(view, lookup));
}

/** The instances of a row of the table, if all of them are usable and none extends the walk. */
function healthyRow(
  instances: readonly InstanceDesc[],
  table: ReplicaTable,
  at: number,
  flags: Uint8Array,
): readonly InstanceDesc[] | undefined {
  const { rows, width } = table;
  if (width !== 3) return healthyRowOf(instances, rows.subarray(at + 1, at + 1 + width), flags);
  const first = rows[at + 1] ?? 0;
  const second = rows[at + 2] ?? 0;
  const third = rows[at + 3] ?? 0;
  if (flags[first] !== USABLE || flags[second] !== USABLE || flags[third] !== USABLE) {
    return undefined;
  }
  const a = instances[first];
  const b = instances[second];
  const c = instances[third];
  return a === undefined || b === undefined || c === undefined ? undefined : [a, b, c];
}

function healthyRowOf(
  instances: readonly InstanceDesc[],
  row: Uint32Array,
  flags: Uint8Array,
): readonly InstanceDesc[] | undefined {
  const found: InstanceDesc[] = [];
  for (const position of row) {
    const instance = instances[position];
    if (instance === undefined || flags[position] !== USABLE) return undefined;
    found.push(instance);
  }
  return found;
}

/**
 * The instances that the key's walk meets, by position.
 * @throws {EmptyRingError | ReplicationFactorError}
 */
export function meet(view: RingView, lookup: KeyLookup): ArrayLike<number> {
  const { placement, options, strategy } = view;
  if (placement.topology.tokens.length === 0) throw new EmptyRingError();
  const { key, operation } = lookup;
  const configured = options.replicationFactor;
  const replicationFactor = Math.max(lookup.replicationFactor ?? 0, configured);
  if (replicationFactor > configured) {
    if (!strategy.canExpand) throw new ReplicationFactorError(replicationFactor, configured);
    return walkRing(view, { key, operation, replicationFactor });
  }
  const { table } = placement;
  if (table === undefined) placement.countWalks(1);
  else {
    const at = table.find(key) + 1;
    const row = table.rows.subarray(at, at + table.width);
    const { flags } = view.healthFor(operation, lookup.nowUnixMs);
    if (row.every((position) => ((flags[position] ?? 0) & EXTENDS) === 0)) return row;
  }
  return walkRing(view, { key, operation, replicationFactor });
}

/**
 * What the instances that a walk has met are good for.
 * @throws {TooFewHealthyInstancesError}
 */
function judge(view: RingView, lookup: KeyLookup, met: ArrayLike<number>): ReplicationSet {
  const { flags } = view.healthFor(lookup.operation, lookup.nowUnixMs);
  const healthy: InstanceDesc[] = [];
  const unhealthy: InstanceDesc[] = [];
  for (let i = 0; i < met.length; i++) {
    const position = met[i] ?? 0;
    const instance = view.instances[position];
    if (instance === undefined) continue;
    ((flags[position] ?? 0) & USABLE ? healthy : unhealthy).push(instance);
  }
  const { replicationFactor, zoneAwarenessEnabled } = view.options;
  const maxErrors = view.strategy.maxErrors({
    healthy: healthy.length,
    unhealthy,
    replicationFactor: Math.max(lookup.replicationFactor ?? 0, replicationFactor),
    zoneAware: zoneAwarenessEnabled,
  });
  return { instances: healthy, maxErrors, maxUnavailableZones: 0, zoneAwarenessEnabled: false };
}
