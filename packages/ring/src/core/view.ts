import { changeOf, type RingDifference } from './compare.ts';
import { RingDesc } from './desc.ts';
import { Freshness, type FreshnessOptions } from './freshness.ts';
import type { InstanceDesc } from './instance.ts';
import type { Operation } from './operation.ts';
import { OperationHealth } from './operation-health.ts';
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
 * One version of a ring, ready for look-ups, immutable. After a heartbeat the next version shares everything with the one
 * before that does not tell of heartbeats.
 */
export class RingView {
  readonly options: ViewOptions;
  readonly strategy: ReplicationStrategy;
  /** The instances without those of excluded zones, ascending by id. */
  readonly desc: RingDesc;
  readonly instances: readonly InstanceDesc[];
  readonly placement: Placement;
  readonly freshness: Freshness;
  /** Grows by one with each change of anything but states and heartbeats. */
  readonly topologyVersion: number;
  readonly #source: RingDesc;
  /** Asked for last first. */
  readonly #healths: OperationHealth[] = [];
  /** The first of them. */
  #health: OperationHealth | undefined = undefined;

  private constructor(parts: {
    readonly options: ViewOptions;
    readonly source: RingDesc;
    readonly desc: RingDesc;
    readonly placement: Placement;
    readonly freshness: Freshness;
    readonly topologyVersion: number;
  }) {
    this.options = parts.options;
    this.strategy = parts.options.strategy ?? quorumStrategy;
    this.#source = parts.source;
    this.desc = parts.desc;
    this.instances = parts.desc.instances;
    this.placement = parts.placement;
    this.freshness = parts.freshness;
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
      freshness: Freshness.of(desc.instances, freshnessOptions(options), nowUnixMs),
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
        freshness: Freshness.of(
          desc.instances,
          freshnessOptions(options),
          nowUnixMs,
          this.freshness,
        ),
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
      freshness: this.freshness.after(desc.instances, positions, nowUnixMs),
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
    const members: InstanceDesc[] = [];
    for (const position of positions) members.push(...this.instances.slice(position, position + 1));
    const desc = RingDesc.of(members);
    const keeps = before?.placement.isSettled === true;
    return new RingView({
      options: this.options,
      source: desc,
      desc,
      placement: keeps ? before.placement : placementOf(desc, this.options, true),
      freshness: this.freshness,
      topologyVersion: this.topologyVersion,
    });
  }

  /** Instances whose heartbeat runs further ahead than it may. */
  aheadOf(nowUnixMs: number): readonly InstanceDesc[] {
    const limit = nowUnixMs + freshnessOptions(this.options).maxHeartbeatAheadMs;
    if (this.freshness.latestUnixS * 1000 <= limit) return [];
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
    const instance = this.instances[position];
    return instance !== undefined && nowUnixMs <= this.freshness.untilUnixMs(instance);
  }

  /** Takes over what is known of the version before. */
  #takeHealths(before: RingView, replaced: readonly number[], nowUnixMs: number): void {
    for (const health of before.#healths) {
      if (!health.holdsAt(nowUnixMs)) continue;
      this.#healths.push(health.after(this, replaced, nowUnixMs));
    }
    this.#health = this.#healths[0];
  }

  #otherHealth(operation: Operation, nowUnixMs: number): OperationHealth {
    const known = this.#healths.findIndex(({ operationMask }) => operationMask === operation.mask);
    const kept = this.#healths[known];
    const health = kept?.holdsAt(nowUnixMs) ? kept : OperationHealth.of(this, operation, nowUnixMs);
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

function freshnessOptions(options: ViewOptions): FreshnessOptions {
  const { heartbeatTimeoutMs, maxHeartbeatAheadMs = MAX_HEARTBEAT_AHEAD_MS } = options;
  return { heartbeatTimeoutMs, maxHeartbeatAheadMs };
}
