import { describe, expect, test } from 'vitest';
import { doBatch } from '../../src/batch.ts';
import {
  InstanceDesc,
  type InstanceInit,
  Operation,
  Read,
  Tokens,
  Write,
} from '../../src/index.ts';
import { PartitionRingDesc } from '../../src/partition/desc.ts';
import { partitionBatchRing, partitionInstanceRing } from '../../src/partition/instance-ring.ts';
import { partitionRingStatus } from '../../src/partition/page.ts';
import { OwnerDesc, PartitionDesc } from '../../src/partition/partition.ts';
import { PartitionRing } from '../../src/partition/partition-ring.ts';
import { requestVectors } from '../support/request-vectors.ts';

const now = 1000;
const active = Operation.of(['ACTIVE']);

function over(
  partitions: Readonly<Record<number, readonly string[]>>,
  instances: readonly InstanceInit[],
) {
  const byId = new Map(
    instances.map((init) => [init.id, InstanceDesc.of({ heartbeatUnixS: now, ...init })]),
  );
  let desc = PartitionRingDesc.empty;
  for (const [id, owners] of Object.entries(partitions)) {
    desc = desc.addPartition(Number(id), 'Active', 0);
    for (const owner of owners) desc = desc.setOwner(owner, Number(id), 0);
  }
  const ring = PartitionRing.of(desc);
  return partitionInstanceRing({
    partitions: () => ring,
    instances: { instance: (id) => byId.get(id) },
    heartbeatTimeoutMs: 60_000,
    clock: { now: () => 0, unixMs: () => now * 1000 },
  });
}

describe('all data', () => {
  test('is read from one healthy owner of each partition; all zones but one may fail', () => {
    const ring = over({ 0: ['a-0', 'b-0', 'gone-0'], 1: ['a-1', 'b-1'] }, [
      { id: 'a-0', zone: 'a' },
      { id: 'b-0', zone: 'b' },
      { id: 'a-1', zone: 'a', state: 'LEAVING' },
      { id: 'b-1', zone: 'b' },
    ]);
    expect(ring.replicationSetsFor(active)).toMatchObject([
      { instances: [{ id: 'a-0' }, { id: 'b-0' }], maxUnavailableZones: 1, maxErrors: 0 },
      { instances: [{ id: 'b-1' }], maxUnavailableZones: 0, zoneAwarenessEnabled: true },
    ]);
    expect(ring.replicationSetsFor(Read)[1]?.instances).toHaveLength(2);
  });

  test('cannot be read when a partition has no healthy owner, and the error names it', () => {
    const ring = over({ 3: ['a-3'] }, [{ id: 'a-3', heartbeatUnixS: now - 61 }]);
    expect(() => ring.replicationSetsFor(active)).toThrow(
      expect.objectContaining({
        code: 'ML_RING_NO_HEALTHY_OWNER',
        partitionId: 3,
        owners: ['a-3'],
      }),
    );
  });

  test('of an empty ring is an error', () => {
    expect(() => over({}, []).replicationSetsFor(active)).toThrow(
      expect.objectContaining({ code: 'ML_RING_EMPTY' }),
    );
  });

  test('of a shard is read from the partitions of the shard', () => {
    const ring = over({ 0: ['a-0'], 1: ['a-1'], 2: ['a-2'] }, [
      { id: 'a-0' },
      { id: 'a-1' },
      { id: 'a-2' },
    ]);
    const shard = ring.shuffleShard('tenant', 1);
    expect(shard.replicationSetsFor(active)).toHaveLength(1);
    const lookback = { size: 1, lookbackMs: 10_000_000, nowUnixMs: now * 1000 };
    expect(
      ring.shuffleShardWithLookback('tenant', lookback).replicationSetsFor(active),
    ).toHaveLength(3);
  });
});

describe('one partition of instances that own several', () => {
  test('is served by the highest number of each zone', () => {
    const ring = over({ 5: ['a-2/5', 'a-10/5', 'b-1/5'] }, [
      { id: 'a-2', zone: 'a' },
      { id: 'a-10', zone: 'a' },
      { id: 'b-1', zone: 'b' },
    ]);
    expect(ring.replicationSetForPartition(5, active)).toMatchObject({
      instances: [{ id: 'a-10' }, { id: 'b-1' }],
      maxUnavailableZones: 1,
    });
  });

  test('is served by a writable instance rather than a read-only one', () => {
    const ring = over({ 5: ['a-2/5', 'a-10/5'] }, [
      { id: 'a-2', zone: 'a' },
      { id: 'a-10', zone: 'a', readOnly: true },
    ]);
    expect(ring.replicationSetForPartition(5, active).instances).toMatchObject([{ id: 'a-2' }]);
  });

  test('takes an id without a number for the highest, and the later one of equals', () => {
    const ring = over({ 5: ['a-7/5', 'x/5', 'y/5'] }, [{ id: 'a-7' }, { id: 'x' }, { id: 'y' }]);
    expect(ring.replicationSetForPartition(5, active).instances).toMatchObject([{ id: 'y' }]);
  });

  test('that does not exist or has no owners is an error', () => {
    const ring = over({ 5: [] }, []);
    expect(() => ring.replicationSetForPartition(6, active)).toThrow(/partition 6 does not exist/);
    expect(() => ring.replicationSetForPartition(5, active)).toThrow(/partition 5.*has no owners/);
  });
});

describe('a batch over partitions', () => {
  test('goes to the active partition of each key, once for each partition', async () => {
    const { partitions } = over({ 0: [], 1: [], 2: [] }, []);
    const keys = [1, 4_000_000_000, 2_200_000_000, 5_000_000];
    const sent = new Map<string, readonly number[]>();
    await doBatch(
      { ring: partitionBatchRing(partitions), operation: Write },
      keys,
      async ({ id }, indexes) => {
        sent.set(id, indexes);
      },
    );
    for (const [i, key] of keys.entries()) {
      expect(sent.get(String(partitions.activePartitionForKey(key)))).toContain(i);
    }
    expect([...sent.values()].flat()).toHaveLength(keys.length);
  });

  test('of a ring without active partitions is an error', async () => {
    const ring = PartitionRing.of(PartitionRingDesc.empty.addPartition(0, 'Pending', 0));
    await expect(
      doBatch({ ring: partitionBatchRing(ring), operation: Write }, [1], async () => {}),
    ).rejects.toMatchObject({ code: 'ML_RING_EMPTY' });
  });
});

describe('the page', () => {
  test('has the JSON of the reference, and whether the state is locked', () => {
    const desc = PartitionRingDesc.of(
      [
        PartitionDesc.of({ id: 2, state: 'Pending' }),
        PartitionDesc.of({
          id: 1,
          state: 'Active',
          stateUnixS: 1_753_280_196,
          tokens: Tokens.of([5, 6]),
        }),
      ],
      [OwnerDesc.of({ id: 'i-1', partitionId: 1 }), OwnerDesc.of({ id: 'i-9', partitionId: 9 })],
    );
    const { partitions } = partitionRingStatus(desc);
    const known = partitions?.map(({ state_change_locked, ...row }) => {
      expect(state_change_locked).toBe(false);
      return row;
    });
    expect(`${JSON.stringify({ partitions: known })}\n`).toBe(requestVectors.partitionPage);
  });

  test('of an empty ring lists nothing as null', () => {
    expect(partitionRingStatus(PartitionRingDesc.empty)).toEqual({ partitions: null });
  });
});
