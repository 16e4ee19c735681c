/**
 * The way of a key to its instances: `ReadRing.get` (read-ring.ts) → this file, which judges the instances that the
 * key's walk meets → replica-table.ts, which knows the outcome of all plain walks, or walk.ts, which walks.
 */
import { EmptyRingError, ReplicationFactorError } from '../errors.ts';
import type { InstanceDesc } from './instance.ts';
import type { Operation } from './operation.ts';
import { EXTENDS, type OperationHealth, USABLE } from './operation-health.ts';
import { MAX_WIDTH, type ReplicaTable } from './replica-table.ts';
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
 * @throws {EmptyRingError | TooFewHealthyInstancesError}
 */
export function lookUpKey(
  view: RingView,
  key: number,
  operation: Operation,
  nowUnixMs: number,
): ReplicationSet {
  const { table, fullMaxErrors } = view.placement;
  if (table !== undefined && fullMaxErrors >= 0) {
    const instances = healthyAnswer(
      view,
      table,
      table.find(key),
      view.healthFor(operation, nowUnixMs),
    );
    if (instances !== undefined) return found(instances, fullMaxErrors);
  }
  return lookUpReplicas(view, { key, operation, nowUnixMs });
}

/**
 * {@link lookUpKey} with as many replicas as asked for.
 * @throws {EmptyRingError | ReplicationFactorError | TooFewHealthyInstancesError}
 */
export function lookUpReplicas(view: RingView, lookup: KeyLookup): ReplicationSet {
  return judge(view, lookup, meet(view, lookup));
}

function found(instances: readonly InstanceDesc[], maxErrors: number): ReplicationSet {
  return { instances, maxErrors, maxUnavailableZones: 0, zoneAwarenessEnabled: false };
}

/** The positions of the answer looked at last. */
const seen = new Uint32Array(MAX_WIDTH);

/** The instances of an answer of the table, if all of them are usable and none extends the walk. */
function healthyAnswer(
  { instances }: RingView,
  table: ReplicaTable,
  answer: number,
  { uniform, flags }: OperationHealth,
): readonly InstanceDesc[] | undefined {
  const { width } = table;
  table.read(answer, seen);
  if (!(uniform || areUsable(seen, width, flags))) return undefined;
  const first = instances[seen[0] ?? 0];
  if (first === undefined) return undefined;
  if (width === 3) {
    const second = instances[seen[1] ?? 0];
    const third = instances[seen[2] ?? 0];
    return second === undefined || third === undefined ? undefined : [first, second, third];
  }
  const met = [first];
  for (let k = 1; k < width; k++) {
    const instance = instances[seen[k] ?? 0];
    if (instance !== undefined) met.push(instance);
  }
  return met;
}

/** Whether the first `count` of the instances at `positions` are usable and none of them extends the walk. */
export function areUsable(positions: Uint32Array, count: number, flags: Uint8Array): boolean {
  for (let k = 0; k < count; k++) if (flags[positions[k] ?? 0] !== USABLE) return false;
  return true;
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
    table.read(table.find(key), seen);
    const met = seen.slice(0, table.width);
    const { flags } = view.healthFor(operation, lookup.nowUnixMs);
    if (met.every((position) => ((flags[position] ?? 0) & EXTENDS) === 0)) return met;
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
  return found(healthy, maxErrors);
}
