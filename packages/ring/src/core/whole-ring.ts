import { EmptyRingError, TooManyUnhealthyInstancesError } from '../errors.ts';
import type { InstanceDesc } from './instance.ts';
import type { Operation } from './operation.ts';
import { type OperationHealth, USABLE } from './operation-health.ts';
import type { ReplicationSet } from './replication-set.ts';
import type { RingView } from './view.ts';

/**
 * Every healthy instance, also those without tokens; no quorum is asked for. The same object until something changes. R-39
 * @throws {EmptyRingError} when there are no instances
 */
export function allHealthy(
  view: RingView,
  operation: Operation,
  nowUnixMs: number,
): ReplicationSet {
  if (view.instances.length === 0) throw new EmptyRingError();
  const health = view.healthFor(operation, nowUnixMs);
  health.allHealthy ??= {
    instances: splitByHealth(view, health).healthy,
    maxErrors: 0,
    maxUnavailableZones: 0,
    zoneAwarenessEnabled: false,
  };
  return health.allHealthy;
}

/**
 * The instances to ask when all data of the ring is wanted. Zone aware: whole zones without a fault. The same object
 * until something changes.
 * @throws {EmptyRingError | TooManyUnhealthyInstancesError}
 */
export function wholeRing(view: RingView, operation: Operation, nowUnixMs: number): ReplicationSet {
  if (view.topology.tokens.length === 0) throw new EmptyRingError();
  const health = view.healthFor(operation, nowUnixMs);
  health.wholeRing ??= view.options.zoneAwarenessEnabled
    ? wholeZones(view, health)
    : enoughInstances(view, health);
  return health.wholeRing;
}

function wholeZones(view: RingView, health: OperationHealth): ReplicationSet {
  const { healthy, failed } = splitByHealth(view, health);
  const { replicationFactor } = view.options;
  const tolerated = Math.floor(Math.min(view.topology.zones.length, replicationFactor) / 2);
  const failedZones = new Set(failed.map(({ zone }) => zone));
  if (failedZones.size > tolerated) throw new TooManyUnhealthyInstancesError(failed);
  return {
    instances: healthy.filter(({ zone }) => !failedZones.has(zone)),
    maxErrors: 0,
    maxUnavailableZones: tolerated - failedZones.size,
    zoneAwarenessEnabled: true,
  };
}

function enoughInstances(view: RingView, health: OperationHealth): ReplicationSet {
  const { healthy, failed } = splitByHealth(view, health);
  const { replicationFactor } = view.options;
  const required =
    Math.max(view.instances.length, replicationFactor) - Math.floor(replicationFactor / 2);
  if (healthy.length < required) throw new TooManyUnhealthyInstancesError(failed);
  return {
    instances: healthy,
    maxErrors: healthy.length - required,
    maxUnavailableZones: 0,
    zoneAwarenessEnabled: false,
  };
}

function splitByHealth(
  { instances }: RingView,
  { flags }: OperationHealth,
): { readonly healthy: readonly InstanceDesc[]; readonly failed: readonly InstanceDesc[] } {
  const healthy: InstanceDesc[] = [];
  const failed: InstanceDesc[] = [];
  for (const [position, instance] of instances.entries()) {
    ((flags[position] ?? 0) & USABLE ? healthy : failed).push(instance);
  }
  return { healthy, failed };
}
