import { MlError } from '@ml/runtime';
import type { PartitionState } from './partition.ts';

/** The partition ring holds no such partition. Nothing was changed. */
export class UnknownPartitionError extends MlError<'ML_RING_UNKNOWN_PARTITION'> {
  readonly partitionId: number;

  constructor(partitionId: number) {
    super('ML_RING_UNKNOWN_PARTITION', `partition ${partitionId} does not exist`);
    this.partitionId = partitionId;
  }
}

/** No partition is active, so no key can be written. Normal before the first one is. As `ErrNoActivePartitionFound` in dskit. */
export class NoActivePartitionError extends MlError<'ML_RING_NO_ACTIVE_PARTITION'> {
  constructor() {
    super('ML_RING_NO_ACTIVE_PARTITION', 'no partition of the partition ring is active');
  }
}

/** No owner of a partition can serve the operation: none is registered, in the instance ring, and healthy. */
export class NoHealthyOwnerError extends MlError<'ML_RING_NO_HEALTHY_OWNER'> {
  readonly partitionId: number;
  /** Ids of the owners. */
  readonly owners: readonly string[];

  constructor(partitionId: number, owners: readonly string[]) {
    const who =
      owners.length === 0
        ? 'it has no owners'
        : `unhealthy or unknown: ${owners.slice(0, 10).join(', ')}`;
    super('ML_RING_NO_HEALTHY_OWNER', `partition ${partitionId} has no healthy owner: ${who}`);
    this.partitionId = partitionId;
    this.owners = owners;
  }
}

/** Partitions do not go from one of these states to the other on request. Nothing was changed. */
export class PartitionTransitionError extends MlError<'ML_RING_PARTITION_TRANSITION'> {
  constructor(partitionId: number, from: PartitionState, to: PartitionState) {
    super(
      'ML_RING_PARTITION_TRANSITION',
      `partition ${partitionId} cannot change from state ${from} to ${to}`,
    );
  }
}

/** An operator has locked the state of the partition. Unlock it first. Nothing was changed. */
export class PartitionLockedError extends MlError<'ML_RING_PARTITION_LOCKED'> {
  constructor(partitionId: number) {
    super('ML_RING_PARTITION_LOCKED', `the state of partition ${partitionId} is locked`);
  }
}
