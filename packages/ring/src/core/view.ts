import { changeOf, type RingDifference } from './compare.ts';
import { RingDesc } from './desc.ts';
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
  /**
   * A heartbeat that runs further ahead of our clock counts as one of the moment at which it was first seen, so that
   * an instance whose clock ran wild can still become unhealthy. In milliseconds; default 1 hour. R-38
   */
  readonly maxHeartbeatAheadMs?: number;
  /** Default: {@link quorumStrategy}. */
  readonly strategy?: ReplicationStrategy;
}

/** Default of {@link ViewOptions.maxHeartbeatAheadMs}. */
export const MAX_HEARTBEAT_AHEAD_MS = 3_600_000;

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

  /** @param nowUnixMs when the ring was seen; absent: heartbeats are taken as they are. */
  static of(source: RingDesc, options: ViewOptions, nowUnixMs?: number): RingView {
    const desc = withoutZones(source, options.excludedZones);
    return new RingView({
      options,
      source,
      desc,
      placement: placementOf(desc, options),
      columns: columnsOf(desc, { options, nowUnixMs, before: undefined }),
      topologyVersion: 0,
    });
  }

  /** The view of a later version of the same ring, and how far that differs from this one. */
  update(
    source: RingDesc,
    nowUnixMs?: number,
  ): { readonly view: RingView; readonly difference: RingDifference } {
    const { difference, replaced } = changeOf(this.#source, source);
    if (difference === 'equal' && source === this.#source) return { view: this, difference };
    const { options } = this;
    const desc = withoutZones(source, options.excludedZones);
    if (difference === 'different') {
      const view = new RingView({
        options,
        source,
        desc,
        placement: placementOf(desc, options),
        columns: columnsOf(desc, { options, nowUnixMs, before: this }),
        topologyVersion: this.topologyVersion + 1,
      });
      return { view, difference };
    }
    const positions = desc === source ? replaced : changeOf(this.desc, desc).replaced;
    const keeps = difference === 'equal' || this.placement.isSettled;
    const view = new RingView({
      options,
      source,
      desc,
      placement: keeps ? this.placement : placementOf(desc, options),
      columns: changedColumns(this, desc.instances, positions, nowUnixMs),
      topologyVersion: this.topologyVersion,
    });
    if (nowUnixMs !== undefined) view.#takeHealths(this, positions, nowUnixMs);
    return { view, difference };
  }

  /**
   * The view of some of the instances, with states and heartbeats as they count here.
   * @param positions ascending.
   * @param before an earlier view of the same ones, from this view or one of the same topology.
   */
  subset(positions: Uint32Array, before: RingView | undefined): RingView {
    const { stateCodes, freshUntilUnixMs, latestHeartbeatUnixS } = this.columns;
    const members: InstanceDesc[] = [];
    for (const position of positions) members.push(...this.instances.slice(position, position + 1));
    const desc = RingDesc.of(members);
    const keeps = before?.placement.isSettled === true;
    return new RingView({
      options: this.options,
      source: desc,
      desc,
      placement: keeps ? before.placement : placementOf(desc, this.options, true),
      columns: {
        stateCodes: Int32Array.from(positions, (position) => stateCodes[position] ?? 0),
        freshUntilUnixMs: Float64Array.from(positions, (at) => freshUntilUnixMs[at] ?? 0),
        latestHeartbeatUnixS,
      },
      topologyVersion: this.topologyVersion,
    });
  }

  /** Instances whose heartbeat runs further ahead than it may. */
  aheadOf(nowUnixMs: number): readonly InstanceDesc[] {
    const limit = nowUnixMs + (this.options.maxHeartbeatAheadMs ?? MAX_HEARTBEAT_AHEAD_MS);
    if (this.columns.latestHeartbeatUnixS * 1000 <= limit) return [];
    return this.instances.filter(({ heartbeatUnixS }) => heartbeatUnixS * 1000 > limit);
  }

  get topology(): Topology {
    return this.placement.topology;
  }

  /** Who is healthy for the operation. */
  healthFor(operation: Operation, nowUnixMs: number): OperationHealth {
    const last = this.#health;
    if (last?.operationMask === operation.mask && last.holdsAt(nowUnixMs)) return last;
    return this.#otherHealth(operation, nowUnixMs);
  }

  /** Whether instance number `position` has a fresh heartbeat. */
  isFresh(position: number, nowUnixMs: number): boolean {
    return nowUnixMs <= (this.columns.freshUntilUnixMs[position] ?? 0);
  }

  /** Takes over what is known of the version before. */
  #takeHealths(before: RingView, replaced: readonly number[], nowUnixMs: number): void {
    for (const health of before.#healths) {
      if (!health.holdsAt(nowUnixMs)) continue;
      this.#healths.push(health.after(this.columns, replaced, nowUnixMs));
    }
  }

  #otherHealth(operation: Operation, nowUnixMs: number): OperationHealth {
    const known = this.#healths.findIndex(({ operationMask }) => operationMask === operation.mask);
    const kept = this.#healths[known];
    const health = kept?.holdsAt(nowUnixMs)
      ? kept
      : OperationHealth.of(this.columns, operation, nowUnixMs);
    if (known >= 0) this.#healths.splice(known, 1);
    this.#healths.unshift(health);
    this.#healths.length = Math.min(this.#healths.length, MAX_OPERATIONS);
    this.#health = health;
    return health;
  }
}

function placementOf(desc: RingDesc, options: ViewOptions, oneOfMany: boolean = false): Placement {
  const { replicationFactor, zoneAwarenessEnabled, strategy = quorumStrategy } = options;
  return new Placement(desc, { replicationFactor, zoneAwarenessEnabled, strategy, oneOfMany });
}

function withoutZones(desc: RingDesc, zones: readonly string[]): RingDesc {
  if (zones.length === 0) return desc;
  const excluded = new Set(zones);
  return desc.filter(({ zone }) => !excluded.has(zone));
}

/** What the columns of a new view are made from. */
interface Seen {
  readonly options: ViewOptions;
  readonly nowUnixMs: number | undefined;
  readonly before: RingView | undefined;
}

function columnsOf({ instances }: RingDesc, seen: Seen): HealthColumns {
  const stateCodes = new Int32Array(instances.length);
  const freshUntilUnixMs = new Float64Array(instances.length);
  let latestHeartbeatUnixS = Number.NEGATIVE_INFINITY;
  for (const [i, instance] of instances.entries()) {
    stateCodes[i] = instance.stateCode;
    freshUntilUnixMs[i] = freshUntil(instance, seen);
    latestHeartbeatUnixS = Math.max(latestHeartbeatUnixS, instance.heartbeatUnixS);
  }
  return { stateCodes, freshUntilUnixMs, latestHeartbeatUnixS };
}

/** The columns with the entries of replaced instances written anew. */
function changedColumns(
  before: RingView,
  instances: readonly InstanceDesc[],
  replaced: readonly number[],
  nowUnixMs: number | undefined,
): HealthColumns {
  const stateCodes = before.columns.stateCodes.slice();
  const freshUntilUnixMs = before.columns.freshUntilUnixMs.slice();
  let { latestHeartbeatUnixS } = before.columns;
  const seen = { options: before.options, nowUnixMs, before };
  for (const i of replaced) {
    const instance = instances[i];
    if (instance === undefined) continue;
    stateCodes[i] = instance.stateCode;
    freshUntilUnixMs[i] = freshUntil(instance, seen);
    latestHeartbeatUnixS = Math.max(latestHeartbeatUnixS, instance.heartbeatUnixS);
  }
  return { stateCodes, freshUntilUnixMs, latestHeartbeatUnixS };
}

function freshUntil(instance: InstanceDesc, { options, nowUnixMs, before }: Seen): number {
  const { heartbeatTimeoutMs, maxHeartbeatAheadMs = MAX_HEARTBEAT_AHEAD_MS } = options;
  if (heartbeatTimeoutMs === 0) return Number.POSITIVE_INFINITY;
  const heartbeatUnixMs = instance.heartbeatUnixS * 1000;
  if (nowUnixMs === undefined || heartbeatUnixMs <= nowUnixMs + maxHeartbeatAheadMs) {
    return heartbeatUnixMs + heartbeatTimeoutMs;
  }
  const known = before?.desc.get(instance.id);
  const position = before?.desc.layout.positionOf(instance.id) ?? -1;
  return known?.heartbeatUnixS === instance.heartbeatUnixS
    ? (before?.columns.freshUntilUnixMs[position] ?? 0)
    : nowUnixMs + heartbeatTimeoutMs;
}
