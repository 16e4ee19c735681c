import { mergeLaws } from '@ml/kv/laws';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/index.ts';
import { PartitionRingDesc } from '../../src/partition/desc.ts';
import { OwnerDesc, PartitionDesc, partitionTokens } from '../../src/partition/partition.ts';
import { partitionRingOf, plainPartitionRing, smallPartitionRings } from '../support/partitions.ts';
import { requestVectors } from '../support/request-vectors.ts';

const show = (ring: PartitionRingDesc): string => JSON.stringify(plainPartitionRing(ring));
const gossip = { localCas: false, nowUnixMs: 100_000 } as const;

describe('merging', () => {
  test.each(requestVectors.partitionMerge)('$name: as the reference', (vector) => {
    const before = partitionRingOf(vector.before);
    const { value, change } = before.merge(partitionRingOf(vector.incoming), {
      localCas: vector.localCAS,
      nowUnixMs: vector.now * 1000,
    });
    expect(show(value)).toBe(show(partitionRingOf(vector.after)));
    const changed = vector.change ?? undefined;
    expect(change && show(change)).toBe(changed && show(partitionRingOf(changed)));
  });

  for (const law of mergeLaws<PartitionRingDesc>({ show, nowUnixMs: 3000 })) {
    test(`law: ${law.name}`, () => {
      fc.assert(fc.property(smallPartitionRings(), smallPartitionRings(), law.check));
    });
  }

  test('is associative', () => {
    const rings = smallPartitionRings();
    fc.assert(
      fc.property(rings, rings, rings, (a, b, c) => {
        const left = a.merge(b, gossip).value.merge(c, gossip).value;
        const right = a.merge(b.merge(c, gossip).value, gossip).value;
        expect(show(left)).toBe(show(right));
      }),
    );
  });

  test('takes the lock on a partition by its own stamp', () => {
    const own = PartitionDesc.of({ id: 1, state: 'Active', stateUnixS: 20 });
    const offered = PartitionDesc.of({
      id: 1,
      state: 'Pending',
      stateUnixS: 10,
      locked: true,
      lockedUnixS: 5,
    });
    const { value } = PartitionRingDesc.of([own]).merge(PartitionRingDesc.of([offered]), gossip);
    expect(value.partition(1)).toMatchObject({ state: 'Active', stateUnixS: 20, locked: true });
  });

  test('dates a local removal no earlier than the entry, so that peers accept it', () => {
    const ring = PartitionRingDesc.of(
      [PartitionDesc.of({ id: 1, state: 'Active', stateUnixS: 500 })],
      [OwnerDesc.of({ id: 'a', partitionId: 1, updatedUnixS: 600 })],
    );
    const local = { localCas: true, nowUnixMs: 100_000 };
    const { change } = ring.merge(ring.removePartition(1).removeOwner('a'), local);
    expect(change?.partition(1)).toMatchObject({ state: 'Deleted', stateUnixS: 500 });
    expect(change?.owner('a')).toMatchObject({ state: 'Deleted', updatedUnixS: 600 });
    const peer = ring.merge(change ?? ring, gossip).value;
    expect(peer.partition(1)?.isDeleted).toBe(true);
  });

  test('with a ring of another type is a programming error', () => {
    const other: unknown = RingDesc.empty;
    expect(() =>
      Reflect.apply(PartitionRingDesc.empty.merge, PartitionRingDesc.empty, [other, gossip]),
    ).toThrow(TypeError);
  });
});

describe('content and tombstones', () => {
  const ring = PartitionRingDesc.of(
    [
      PartitionDesc.of({ id: 3, state: 'Active', stateUnixS: 1 }),
      PartitionDesc.of({ id: 4, state: 'Deleted', stateUnixS: 100 }),
    ],
    [OwnerDesc.of({ id: 'i-0', partitionId: 3, state: 'Deleted', updatedUnixS: 200 })],
  );

  test('the content names partitions in decimal and owners', () => {
    expect(ring.mergeContent()).toEqual(['3', '4', 'i-0']);
  });

  test.each([
    [100_000, 2, 0],
    [100_500, 1, 1],
    [undefined, 0, 2],
  ])('a limit of %s leaves %i tombstones', (limit, total, removed) => {
    const left = ring.removeTombstones(limit);
    expect(left).toMatchObject({ total, removed });
    expect(left.value.mergeContent()).toHaveLength(3 - removed);
  });

  test('nothing to remove leaves the very same value', () => {
    expect(ring.removeTombstones(0).value).toBe(ring);
  });
});

describe('changing', () => {
  test('a new partition gets the 512 tokens of its number', () => {
    const ring = PartitionRingDesc.empty.addPartition(2, 'Pending', 9500);
    expect(ring.partition(2)).toMatchObject({ state: 'Pending', stateUnixS: 9, encodedId: 2 });
    expect(ring.partition(2)?.tokens.equals(partitionTokens(2))).toBe(true);
    expect(ring.addPartition(2, 'Active', 99_000)).toBe(ring);
  });

  test('a second change within a second is stamped later, so that merges take it', () => {
    const ring = PartitionRingDesc.empty.addPartition(0, 'Pending', 9500);
    const changed = ring.setPartitionState(0, 'Active', 9600);
    expect(changed.partition(0)?.stateUnixS).toBe(10);
    expect(changed.setPartitionState(0, 'Active', 99_000)).toBe(changed);
    expect(changed.setPartitionState(7, 'Active', 99_000)).toBe(changed);
  });

  test('an owner that says the same again keeps its stamp', () => {
    const ring = PartitionRingDesc.empty.setOwner('a', 1, 5000);
    expect(ring.setOwner('a', 1, 9000)).toBe(ring);
    expect(ring.setOwner('a', 2, 9000).owner('a')).toMatchObject({
      partitionId: 2,
      updatedUnixS: 9,
    });
  });

  test('owners are counted by partition and by age', () => {
    const ring = PartitionRingDesc.of(
      [],
      [
        OwnerDesc.of({ id: 'a', partitionId: 1, updatedUnixS: 10 }),
        OwnerDesc.of({ id: 'b', partitionId: 1, updatedUnixS: 20 }),
        OwnerDesc.of({ id: 'c', partitionId: 1, state: 'Deleted', updatedUnixS: 5 }),
        OwnerDesc.of({ id: 'd', partitionId: 2, updatedUnixS: 5 }),
      ],
    );
    expect([ring.ownersCount(1), ring.ownersCount(1, 20_999), ring.ownersCount(1, 10_500)]).toEqual(
      [2, 1, 0],
    );
  });

  test('removing what is not there changes nothing', () => {
    const ring = PartitionRingDesc.empty;
    expect(ring.removePartition(1)).toBe(ring);
    expect(ring.removeOwner('x')).toBe(ring);
  });
});
