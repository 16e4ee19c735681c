import { compareRings, type RingDifference } from './compare.ts';
import type { RingDesc } from './desc.ts';
import type { InstanceDesc } from './instance.ts';
import type { Operation } from './operation.ts';
import { type HealthColumns, OperationHealth } from './operation-health.ts';
import { Placement } from './placement.ts';
import { quorumStrategy, type ReplicationStrategy } from './replication-strategy.ts';
import type { Topology } from './topology.ts';

/** What a ring's look-ups go by. */
export interface ViewOptions {
  /** How many instances hold each key; at least 1. */
  readonly replicationFactor: number;
  /** Whether the instances of a key must be in different zones. */
  readonly zoneAwarenessEnabled: boolean;
  /** Zones whose instances are left out of everything. */
  readonly excludedZones: readonly string[];
  /** An instance whose heartbeat is older is unhealthy, in milliseconds; 0: never. */
  readonly heartbeatTimeoutMs: number;
  /** Default: {@link quorumStrategy}. */
  readonly strategy?: ReplicationStrategy;
}

/** Health is kept for so many operations at a time. */
const MAX_OPERATIONS = 8;

/**
 * One version of a ring, ready for look-ups, immutable. After a heartbeat the next version shares everything but the
 * columns of states and heartbeats with the one before.
 */
export class RingView {
  readonly options: ViewOptions;
  readonly strategy: ReplicationStrategy;
  /** The instances without those of excluded zones, ascending by id. */
  readonly desc: RingDesc;
  readonly instances: readonly InstanceDesc[];
  readonly placement: Placement;
  readonly columns: HealthColumns;
  /** Grows by one with each change of anything but states and heartbeats. */
  readonly topologyVersion: number;
  readonly #source: RingDesc;
  /** Latest first. */
  readonly #healths: OperationHealth[] = [];
  #health: OperationHealth | undefined = undefined;

  private constructor(parts: {
    readonly options: ViewOptions;
    readonly source: RingDesc;
    readonly desc: RingDesc;
    readonly placement: Placement;
    readonly columns: HealthColumns;
    readonly topologyVersion: number;
  }) {
    this.options = parts.options;
    this.strategy = parts.options.strategy ?? quorumStrategy;
    this.#source = parts.source;
    this.desc = parts.desc;
    this.instances = parts.desc.instances;
    this.placement = parts.placement;
    this.columns = parts.columns;
    this.topologyVersion = parts.topologyVersion;
  }

  static of(source: RingDesc, options: ViewOptions): RingView {
    const desc = withoutZones(source, options.excludedZones);
    return new RingView({
      options,
      source,
      desc,
      placement: placementOf(desc, options),
      columns: columnsOf(desc, options.heartbeatTimeoutMs),
      topologyVersion: 0,
    });
  }

  /** The view of a later version of the same ring, and how far that differs from this one. */
  update(source: RingDesc): { readonly view: RingView; readonly difference: RingDifference } {
    const difference = compareRings(this.#source, source);
    if (difference === 'equal' && source === this.#source) return { view: this, difference };
    const { options } = this;
    const desc = withoutZones(source, options.excludedZones);
    const sameInstances = difference !== 'different';
    const keeps = difference === 'equal' || (sameInstances && !this.topology.contested);
    const view = new RingView({
      options,
      source,
      desc,
      placement: keeps ? this.placement : placementOf(desc, options),
      columns: sameInstances
        ? changedColumns(this, desc.instances)
        : columnsOf(desc, options.heartbeatTimeoutMs),
      topologyVersion: this.topologyVersion + (difference === 'different' ? 1 : 0),
    });
    return { view, difference };
  }

  get topology(): Topology {
    return this.placement.topology;
  }

  /** Who is healthy for the operation. */
  healthFor(operation: Operation, nowUnixMs: number): OperationHealth {
    const last = this.#health;
    if (last !== undefined && last.mask === operation.mask && last.holdsAt(nowUnixMs)) return last;
    return this.#otherHealth(operation, nowUnixMs);
  }

  /** Whether instance number `position` has a fresh heartbeat. */
  isFresh(position: number, nowUnixMs: number): boolean {
    return nowUnixMs <= (this.columns.freshUntilUnixMs[position] ?? 0);
  }

  #otherHealth(operation: Operation, nowUnixMs: number): OperationHealth {
    const known = this.#healths.findIndex(({ mask }) => mask === operation.mask);
    const kept = this.#healths[known];
    const health = kept?.holdsAt(nowUnixMs)
      ? kept
      : new OperationHealth(this.columns, operation, nowUnixMs);
    if (known >= 0) this.#healths.splice(known, 1);
    this.#healths.unshift(health);
    this.#healths.length = Math.min(this.#healths.length, MAX_OPERATIONS);
    this.#health = health;
    return health;
  }
}

function placementOf(desc: RingDesc, options: ViewOptions): Placement {
  const { replicationFactor, zoneAwarenessEnabled, strategy = quorumStrategy } = options;
  return new Placement(desc, { replicationFactor, zoneAwarenessEnabled, strategy });
}

function withoutZones(desc: RingDesc, zones: readonly string[]): RingDesc {
  if (zones.length === 0) return desc;
  const excluded = new Set(zones);
  return desc.filter(({ zone }) => !excluded.has(zone));
}

function columnsOf({ instances }: RingDesc, heartbeatTimeoutMs: number): HealthColumns {
  const stateCodes = new Int32Array(instances.length);
  const freshUntilUnixMs = new Float64Array(instances.length);
  for (const [i, instance] of instances.entries()) {
    stateCodes[i] = instance.stateCode;
    freshUntilUnixMs[i] = freshUntil(instance, heartbeatTimeoutMs);
  }
  return { stateCodes, freshUntilUnixMs };
}

/** The columns with the entries of replaced instances written anew. */
function changedColumns(before: RingView, instances: readonly InstanceDesc[]): HealthColumns {
  const stateCodes = before.columns.stateCodes.slice();
  const freshUntilUnixMs = before.columns.freshUntilUnixMs.slice();
  const { heartbeatTimeoutMs } = before.options;
  for (let i = 0; i < instances.length; i++) {
    const instance = instances[i];
    if (instance === undefined || instance === before.instances[i]) continue;
    stateCodes[i] = instance.stateCode;
    freshUntilUnixMs[i] = freshUntil(instance, heartbeatTimeoutMs);
  }
  return { stateCodes, freshUntilUnixMs };
}

function freshUntil(instance: InstanceDesc, heartbeatTimeoutMs: number): number {
  return heartbeatTimeoutMs === 0
    ? Number.POSITIVE_INFINITY
    : instance.heartbeatUnixS * 1000 + heartbeatTimeoutMs;
}
