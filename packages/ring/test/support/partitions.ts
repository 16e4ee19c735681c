import fc from 'fast-check';
import { Tokens } from '../../src/index.ts';
import { PartitionRingDesc } from '../../src/partition/desc.ts';
import {
  OWNER_STATE_CODES,
  OwnerDesc,
  type OwnerState,
  PARTITION_STATE_CODES,
  PartitionDesc,
  type PartitionState,
} from '../../src/partition/partition.ts';
import type { VectorPartitionRing } from './request-vectors.ts';

function isPartitionState(text: string): text is PartitionState {
  return text in PARTITION_STATE_CODES;
}

function isOwnerState(text: string): text is OwnerState {
  return text in OWNER_STATE_CODES;
}

function partitionState(name: string): PartitionState {
  const state = name.replace(/^Partition/, '');
  if (!isPartitionState(state)) throw new TypeError(`no partition state ${name}`);
  return state;
}

function ownerState(name: string): OwnerState {
  const state = name.replace(/^Owner/, '');
  if (!isOwnerState(state)) throw new TypeError(`no owner state ${name}`);
  return state;
}

/** A vector's partition ring as ours. */
export function partitionRingOf(value: VectorPartitionRing): PartitionRingDesc {
  return PartitionRingDesc.of(
    Object.entries(value.partitions).map(([key, fields]) =>
      PartitionDesc.of({
        id: Number(key),
        state: partitionState(fields.state),
        stateUnixS: fields.stateTimestamp,
        tokens: Tokens.of(fields.tokens ?? []),
      }).with({ encodedId: fields.id }),
    ),
    Object.entries(value.owners).map(([id, fields]) =>
      OwnerDesc.of({
        id,
        partitionId: fields.ownedPartition,
        state: ownerState(fields.state),
        updatedUnixS: fields.updatedTimestamp,
      }),
    ),
  );
}

/** A partition ring in plain fields, everything written out. */
export function plainPartitionRing(ring: PartitionRingDesc): object {
  return {
    partitions: ring.partitions.map((partition) => ({
      ...partition,
      tokens: Array.from(partition.tokens),
      unknownFields: Array.from(partition.unknownFields),
    })),
    owners: ring.owners.map((owner) => ({
      ...owner,
      unknownFields: Array.from(owner.unknownFields),
    })),
  };
}

/** Small rings in which everything meets. No two writers change one entry in the same second. */
export function smallPartitionRings(): fc.Arbitrary<PartitionRingDesc> {
  const stamp = fc.integer({ min: 1, max: 4 });
  const partition = fc.record({
    id: fc.integer({ min: 0, max: 3 }),
    stateUnixS: stamp,
    isDeleted: fc.boolean(),
    lockedUnixS: fc.integer({ min: 0, max: 3 }),
  });
  const owner = fc.record({
    id: fc.constantFrom('a', 'b'),
    updatedUnixS: stamp,
    isDeleted: fc.boolean(),
  });
  const states = ['Pending', 'Active', 'Inactive'] as const;
  return fc
    .tuple(fc.array(partition, { maxLength: 4 }), fc.array(owner, { maxLength: 3 }))
    .map(([partitions, owners]) =>
      PartitionRingDesc.of(
        partitions.map(({ id, stateUnixS, isDeleted, lockedUnixS }) =>
          PartitionDesc.of({
            id,
            stateUnixS,
            state: isDeleted ? 'Deleted' : (states[(id + stateUnixS) % 3] ?? 'Active'),
            tokens: Tokens.of([id, id + 10]),
            lockedUnixS,
            locked: lockedUnixS % 2 === 1,
          }),
        ),
        owners.map(({ id, updatedUnixS, isDeleted }) =>
          OwnerDesc.of({
            id,
            updatedUnixS,
            partitionId: updatedUnixS,
            state: isDeleted ? 'Deleted' : 'Active',
          }),
        ),
      ),
    );
}
