import type { Clock } from '@ml/runtime';
import type { BatchRing } from '../batch.ts';
import { InstanceDesc, isHeartbeatFresh } from '../core/instance.ts';
import type { Operation } from '../core/operation.ts';
import type { ReplicationSet } from '../core/replication-set.ts';
import { EmptyRingError } from '../errors.ts';
import type { ReadRing } from '../read-ring.ts';
import { NoHealthyOwnerError, UnknownPartitionError } from './errors.ts';
import type { LookbackOptions, PartitionRing } from './partition-ring.ts';

export interface PartitionInstanceRingOptions {
  /** The partition ring as it is at each call. */
  readonly partitions: () => PartitionRing;
  /** The ring of the instances that own partitions. */
  readonly instances: Pick<ReadRing, 'instance'>;
  /** An instance whose heartbeat is older is unhealthy, in milliseconds; 0: never. */
  readonly heartbeatTimeoutMs: number;
  readonly clock: Clock;
}

/** The instances behind the partitions of a partition ring. As `PartitionInstanceRing` in dskit. R-75 */
export interface PartitionInstanceRing {
  /** The partition ring now. */
  readonly partitions: PartitionRing;
  /**
   * For each partition the healthy instances that own it: asking one of each set reads all data. Every set counts by
   * zone, and all zones but one may fail.
   * @throws {EmptyRingError} when there are no partitions
   * @throws {NoHealthyOwnerError} for the first partition that nobody can serve
   */
  replicationSetsFor(operation: Operation): readonly ReplicationSet[];
  /**
   * The instances of one partition in a ring whose instances may own several: of each zone one, a writable one rather
   * than one that is read-only, then that with the highest number at the end of its id.
   * @throws {UnknownPartitionError | NoHealthyOwnerError}
   */
  replicationSetForPartition(partitionId: number, operation: Operation): ReplicationSet;
  /** Over the partitions of an identifier's shard, as they are now. */
  shuffleShard(identifier: string, size: number): PartitionInstanceRing;
  /** As {@link shuffleShard}, with the partitions that were in the shard at any time in the look-back. */
  shuffleShardWithLookback(identifier: string, options: LookbackOptions): PartitionInstanceRing;
}

export function partitionInstanceRing(
  options: PartitionInstanceRingOptions,
): PartitionInstanceRing {
  const { partitions } = options;
  const over = (shard: PartitionRing): PartitionInstanceRing =>
    partitionInstanceRing({ ...options, partitions: () => shard });
  return {
    get partitions() {
      return partitions();
    },
    replicationSetsFor: (operation) => {
      const ring = partitions();
      if (ring.partitions.length === 0) throw new EmptyRingError();
      return ring.partitions.map(({ id }) => {
        const owners = ring.ownersOf(id);
        return setOf(healthy(owners, operation, options), { partitionId: id, owners });
      });
    },
    replicationSetForPartition: (partitionId, operation) => {
      const ring = partitions();
      if (ring.desc.partition(partitionId) === undefined) {
        throw new UnknownPartitionError(partitionId);
      }
      const owners = ring.multiPartitionOwnersOf(partitionId);
      const chosen = onePerZone(healthy(owners, operation, options));
      return setOf(chosen, { partitionId, owners });
    },
    shuffleShard: (identifier, size) => over(partitions().shuffleShard(identifier, size)),
    shuffleShardWithLookback: (identifier, lookback) =>
      over(partitions().shuffleShardWithLookback(identifier, lookback)),
  };
}

/**
 * A partition ring as `doBatch` takes it: each key has one replica, its active partition. The "instances" that the
 * send function gets are partitions, id and address being the partition's number in decimal. R-75
 */
export function partitionBatchRing(ring: PartitionRing): BatchRing {
  const byId = new Map(
    ring.activePartitionIds.map((id) => [
      id,
      InstanceDesc.of({ id: String(id), addr: String(id), state: 'ACTIVE' }),
    ]),
  );
  return {
    instances: Array.from(byId.values()),
    get: (key) => {
      const instance = byId.get(ring.activePartitionForKey(key));
      return {
        instances: instance === undefined ? [] : [instance],
        maxErrors: 0,
        maxUnavailableZones: 0,
        zoneAwarenessEnabled: false,
      };
    },
  };
}

function healthy(
  ids: readonly string[],
  operation: Operation,
  options: PartitionInstanceRingOptions,
): readonly InstanceDesc[] {
  const nowUnixMs = options.clock.unixMs();
  return ids.flatMap((id) => {
    const instance = options.instances.instance(id);
    const usable =
      instance !== undefined &&
      operation.acceptsInstance(instance) &&
      isHeartbeatFresh(instance, nowUnixMs, options.heartbeatTimeoutMs);
    return usable ? [instance] : [];
  });
}

function setOf(
  instances: readonly InstanceDesc[],
  of: { readonly partitionId: number; readonly owners: readonly string[] },
): ReplicationSet {
  if (instances.length === 0) throw new NoHealthyOwnerError(of.partitionId, of.owners);
  const zones = new Set(instances.map(({ zone }) => zone)).size;
  return { instances, maxErrors: 0, maxUnavailableZones: zones - 1, zoneAwarenessEnabled: true };
}

function onePerZone(instances: readonly InstanceDesc[]): readonly InstanceDesc[] {
  const best = new Map<string, InstanceDesc>();
  for (const instance of instances) {
    const known = best.get(instance.zone);
    if (known === undefined || !isPreferred(known, instance)) best.set(instance.zone, instance);
  }
  return Array.from(best.values());
}

/** Whether `a` stays although `b`, which comes later, could take its place. */
function isPreferred(a: InstanceDesc, b: InstanceDesc): boolean {
  if (a.readOnly !== b.readOnly) return !a.readOnly;
  return trailingNumber(a.id) > trailingNumber(b.id);
}

/** The number that an id ends in; without one it counts as the highest. */
function trailingNumber(id: string): number {
  const digits = /[0-9]+$/.exec(id)?.[0];
  return digits === undefined ? Number.POSITIVE_INFINITY : Number(digits);
}
