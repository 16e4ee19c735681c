import { compareRings, type RingDifference } from './compare.ts';
import type { RingDesc } from './desc.ts';
import type { InstanceDesc } from './instance.ts';
import { quorumStrategy, type ReplicationStrategy } from './replication-strategy.ts';
import { buildTopology, type Topology } from './topology.ts';

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

/** The columns of a view that change with every heartbeat. */
interface Health {
  /** Wire numbers of the states. */
  readonly stateCodes: Int32Array;
  /** Until when each heartbeat counts as fresh, in Unix milliseconds. */
  readonly freshUntilUnixMs: Float64Array;
}

/**
 * One version of a ring, ready for look-ups, immutable. After a heartbeat the next version shares everything but the
 * columns of states and heartbeats with the one before.
 */
export class RingView {
  readonly options: ViewOptions;
  readonly strategy: ReplicationStrategy;
  /** The instances without those of excluded zones, ascending by id. */
  readonly desc: RingDesc;
  readonly topology: Topology;
  readonly health: Health;
  /** Grows by one with each change of anything but states and heartbeats. */
  readonly topologyVersion: number;
  readonly #source: RingDesc;

  private constructor(parts: {
    readonly options: ViewOptions;
    readonly source: RingDesc;
    readonly desc: RingDesc;
    readonly topology: Topology;
    readonly topologyVersion: number;
  }) {
    this.options = parts.options;
    this.strategy = parts.options.strategy ?? quorumStrategy;
    this.#source = parts.source;
    this.desc = parts.desc;
    this.topology = parts.topology;
    this.topologyVersion = parts.topologyVersion;
    this.health = healthOf(parts.desc, parts.options.heartbeatTimeoutMs);
  }

  static of(source: RingDesc, options: ViewOptions): RingView {
    const desc = withoutZones(source, options.excludedZones);
    return new RingView({
      options,
      source,
      desc,
      topology: buildTopology(desc),
      topologyVersion: 0,
    });
  }

  /** The view of a later version of the same ring, and how far that differs from this one. */
  update(source: RingDesc): { readonly view: RingView; readonly difference: RingDifference } {
    const difference = compareRings(this.#source, source);
    if (difference === 'equal' && source === this.#source) return { view: this, difference };
    const { options } = this;
    const desc = withoutZones(source, options.excludedZones);
    const keeps =
      difference === 'equal' ||
      (difference === 'states-and-heartbeats' && !this.topology.contested);
    const view = new RingView({
      options,
      source,
      desc,
      topology: keeps ? this.topology : buildTopology(desc),
      topologyVersion: this.topologyVersion + (difference === 'different' ? 1 : 0),
    });
    return { view, difference };
  }

  get instances(): readonly InstanceDesc[] {
    return this.desc.instances;
  }

  /** Whether instance number `position` has a fresh heartbeat. */
  isFresh(position: number, nowUnixMs: number): boolean {
    return nowUnixMs <= (this.health.freshUntilUnixMs[position] ?? 0);
  }
}

function withoutZones(desc: RingDesc, zones: readonly string[]): RingDesc {
  if (zones.length === 0) return desc;
  const excluded = new Set(zones);
  return desc.filter(({ zone }) => !excluded.has(zone));
}

function healthOf(desc: RingDesc, heartbeatTimeoutMs: number): Health {
  const { instances } = desc;
  const stateCodes = new Int32Array(instances.length);
  const freshUntilUnixMs = new Float64Array(instances.length);
  for (const [i, instance] of instances.entries()) {
    stateCodes[i] = instance.stateCode;
    freshUntilUnixMs[i] =
      heartbeatTimeoutMs === 0
        ? Number.POSITIVE_INFINITY
        : instance.heartbeatUnixS * 1000 + heartbeatTimeoutMs;
  }
  return { stateCodes, freshUntilUnixMs };
}
