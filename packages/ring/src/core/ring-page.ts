import type { RingDesc } from './desc.ts';
import { type InstanceDesc, isHeartbeatFresh } from './instance.ts';
import { ownedKeys } from './token-ranges.ts';
import { TOKEN_SPACE } from './tokens.ts';
import { wellFormed } from './utf8.ts';
import { RingView } from './view.ts';

/** One instance on a ring's status page, under the names that dskit's page answers with. R-60 */
export interface ShardStatus {
  readonly id: string;
  /** The state's name, or `UNHEALTHY` when the heartbeat is too old. */
  readonly state: string;
  readonly address: string;
  /** Last heartbeat, RFC 3339. */
  readonly timestamp: string;
  readonly registered_timestamp: string;
  readonly read_only: boolean;
  readonly read_only_updated_timestamp: string;
  readonly zone: string;
  readonly tokens: readonly number[] | null;
  /** Only if the instance tells any. */
  readonly versions?: Readonly<Record<string, number>>;
}

/** What a ring's status page answers with as JSON; `null` stands for empty lists, as dskit writes them. */
export interface RingStatus {
  readonly shards: readonly ShardStatus[] | null;
  readonly now: string;
}

/** What a page shows beside the JSON of an instance. */
export interface InstanceStatus {
  readonly instance: InstanceDesc;
  readonly state: string;
  readonly heartbeatAgeMs: number;
  /** Share of its zone's keys that the instance owns, 0 to 100. */
  readonly ownershipPercent: number;
}

export interface RingStatusOptions {
  /** An instance whose heartbeat is older is shown as unhealthy, in milliseconds; 0: never. */
  readonly heartbeatTimeoutMs: number;
  readonly nowUnixMs: number;
}

/** Unset times are shown as the year 1. */
const UNSET_TIME = '0001-01-01T00:00:00Z';

/** The JSON of a ring's status page. */
export function ringStatus(ring: RingDesc, options: RingStatusOptions): RingStatus {
  const shards = ring.instances.map((instance) => shardStatus(instance, options));
  return {
    shards: shards.length === 0 ? null : shards,
    now: new Date(options.nowUnixMs).toISOString(),
  };
}

/** The rows of a ring's status page. */
export function instanceStatuses(
  ring: RingDesc,
  options: RingStatusOptions,
): readonly InstanceStatus[] {
  const view = RingView.of(ring, {
    replicationFactor: 1,
    zoneAwarenessEnabled: false,
    excludedZones: [],
    heartbeatTimeoutMs: options.heartbeatTimeoutMs,
  });
  const owned = ownedKeys(view);
  return view.instances.map((instance, position) => ({
    instance,
    state: shownState(instance, options),
    heartbeatAgeMs: options.nowUnixMs - instance.heartbeatUnixS * 1000,
    ownershipPercent: ((owned[position] ?? 0) / (TOKEN_SPACE - 1)) * 100,
  }));
}

/** A time in whole Unix seconds as RFC 3339 in UTC. Beyond the years 0 to 9999 the nearest of them. */
export function rfc3339(unixS: number): string {
  const clamped = Math.min(Math.max(unixS, -62_167_219_200), 253_402_300_799);
  return new Date(clamped * 1000).toISOString().replace('.000Z', 'Z');
}

function shardStatus(instance: InstanceDesc, options: RingStatusOptions): ShardStatus {
  const versions = Object.fromEntries(
    Array.from(instance.versions, ([key, value]) => [String(key), Number(value)]),
  );
  return {
    id: wellFormed(instance.id),
    state: shownState(instance, options),
    address: wellFormed(instance.addr),
    timestamp: rfc3339(instance.heartbeatUnixS),
    registered_timestamp: timeOrUnset(instance.registeredUnixS),
    read_only: instance.readOnly,
    read_only_updated_timestamp: timeOrUnset(instance.readOnlyUpdatedUnixS),
    zone: wellFormed(instance.zone),
    tokens: instance.tokens.isEmpty ? null : Array.from(instance.tokens),
    ...(instance.versions.size === 0 ? {} : { versions }),
  };
}

function timeOrUnset(unixS: number): string {
  return unixS <= 0 ? UNSET_TIME : rfc3339(unixS);
}

function shownState(instance: InstanceDesc, options: RingStatusOptions): string {
  if (!isHeartbeatFresh(instance, options.nowUnixMs, options.heartbeatTimeoutMs))
    return 'UNHEALTHY';
  return instance.state === 'UNKNOWN' ? String(instance.stateCode) : instance.state;
}
