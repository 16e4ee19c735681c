import { seededRandom } from '@ml/runtime';
import { describe, expect, test } from 'vitest';
import { rangesInclude, type TokenRange, Tokens } from '../../src/index.ts';
import { PartitionRingDesc } from '../../src/partition/desc.ts';
import { OwnerDesc, PartitionDesc, parsePartitionState } from '../../src/partition/partition.ts';
import { PartitionRing } from '../../src/partition/partition-ring.ts';
import { partitionRingOf } from '../support/partitions.ts';
import { hashOf, requestVectors } from '../support/request-vectors.ts';

const vectors = requestVectors.partitionRing;

function vectorRing(): PartitionRing {
  let desc = PartitionRingDesc.empty;
  for (const [id, { state, stateTimestamp }] of Object.entries(vectors.partitions)) {
    const known = parsePartitionState(state) ?? 'Unknown';
    desc = desc.addPartition(Number(id), known, stateTimestamp * 1000);
  }
  for (const [partition, owners] of Object.entries(vectors.owners)) {
    for (const owner of owners) desc = desc.setOwner(owner, Number(partition), 1000);
  }
  return PartitionRing.of(desc);
}

const ring = vectorRing();

function pairs(flat: readonly number[]): readonly TokenRange[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [
    flat[2 * i] ?? 0,
    flat[2 * i + 1] ?? 0,
  ]);
}

function idsOf(shard: PartitionRing): readonly number[] {
  return shard.partitions.map(({ id }) => id);
}

describe('tokens', () => {
  test('of a partition are those of the reference', () => {
    for (const { id, tokens } of ring.partitions) {
      expect(hashOf(tokens)).toBe(vectors.partitions[String(id)]?.tokensSha256);
    }
  });

  test('ranges are those of the reference', () => {
    for (const [id, { count, first, sha256 }] of Object.entries(vectors.tokenRanges)) {
      const flat = ring.tokenRanges(Number(id)).flat();
      expect(flat).toHaveLength(count);
      expect(flat.slice(0, first.length)).toEqual(first);
      expect(hashOf(flat)).toBe(sha256);
    }
  });

  test.each(vectors.smallTokenRanges)(
    'ranges of a small ring: $ranges',
    ({ partitions, ranges }) => {
      const small = PartitionRing.of(partitionRingOf({ partitions, owners: {} }));
      for (const [id, flat] of Object.entries(ranges)) {
        expect(small.tokenRanges(Number(id))).toEqual(pairs(flat));
      }
    },
  );

  test('ranges of an unknown partition are an error that names it', () => {
    expect(() => ring.tokenRanges(99)).toThrow(/partition 99 does not exist/);
  });

  test('ranges say of every key which active partition has it', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 20; round++) {
      const small = PartitionRing.of(
        PartitionRingDesc.of(
          Array.from({ length: 4 }, (_, id) =>
            PartitionDesc.of({
              id,
              state: 'Active',
              tokens: Tokens.of(Array.from({ length: 3 }, () => 4 * random.int(25) + id)),
            }),
          ),
        ),
      );
      const ranges = new Map(small.partitions.map(({ id }) => [id, small.tokenRanges(id)]));
      for (const key of [...Array(110).keys(), 4_294_967_295]) {
        const holders = [...ranges].filter(([, own]) => rangesInclude(own, key)).map(([id]) => id);
        expect(holders).toEqual([small.activePartitionForKey(key)]);
      }
    }
  });
});

describe('keys and owners', () => {
  test('200 keys go where the reference puts them', () => {
    expect(vectors.activeKeys.map((key) => ring.activePartitionForKey(key))).toEqual(
      vectors.activePartitionForKey,
    );
  });

  test('no key has a place while no partition is active', () => {
    const pending = PartitionRing.of(PartitionRingDesc.empty.addPartition(0, 'Pending', 1000));
    for (const one of [pending, PartitionRing.of(PartitionRingDesc.empty)]) {
      expect(() => one.activePartitionForKey(1)).toThrow(
        expect.objectContaining({ code: 'ML_RING_NO_ACTIVE_PARTITION' }),
      );
    }
  });

  test('owners stand in byte order', () => {
    for (const [id, owners] of Object.entries(vectors.owners)) {
      expect(ring.ownersOf(Number(id))).toEqual(owners);
    }
    expect(ring.ownersOf(99)).toEqual([]);
  });

  test('owners of several partitions lose what follows the last slash', () => {
    const desc = PartitionRingDesc.of(
      [PartitionDesc.of({ id: 1 })],
      ['a/b/1', 'plain'].map((id) => OwnerDesc.of({ id, partitionId: 1 })),
    );
    expect(PartitionRing.of(desc).multiPartitionOwnersOf(1)).toEqual(['a/b', 'plain']);
  });

  test('tombstones are not part of the ring', () => {
    const desc = PartitionRingDesc.of(
      [PartitionDesc.of({ id: 1, state: 'Deleted', tokens: Tokens.of([1]) })],
      [OwnerDesc.of({ id: 'a', partitionId: 1, state: 'Deleted' })],
    );
    expect(PartitionRing.of(desc).partitions).toEqual([]);
    expect(PartitionRing.of(desc).ownersOf(1)).toEqual([]);
  });
});

describe('a shuffle shard', () => {
  const cases = Object.entries(vectors.shuffleShard).flatMap(([identifier, shards]) =>
    Object.entries(shards).map(([options, expected]) => ({ identifier, options, expected })),
  );

  test.each(cases)('"$identifier" $options is that of the reference', (vector) => {
    const { identifier, options, expected } = vector;
    const [, size, lookback, now] = /size=(\d+),lookback=(\d+),now=(\d+)/.exec(options) ?? [];
    const shard =
      size === undefined
        ? ring.shuffleShard(identifier, Number(options))
        : ring.shuffleShardWithLookback(identifier, {
            size: Number(size),
            lookbackMs: Number(lookback) * 1000,
            nowUnixMs: Number(now) * 1000,
          });
    expect(idsOf(shard)).toEqual(expected);
    expect(shard.desc.owners.map(({ partitionId }) => partitionId)).toEqual(
      expect.arrayContaining([...expected]),
    );
  });

  test('is the same object when it is asked for again', () => {
    expect(ring.shuffleShard('a', 2)).toBe(ring.shuffleShard('a', 2));
    const lookback = { size: 2, lookbackMs: 300_000 };
    const first = ring.shuffleShardWithLookback('a', { ...lookback, nowUnixMs: 1_801_000 });
    const second = ring.shuffleShardWithLookback('a', { ...lookback, nowUnixMs: 1_802_000 });
    expect(second).toBe(first);
  });

  test('remembered for a look-back always equals one that is computed anew', () => {
    for (let nowUnixS = 1000; nowUnixS < 2500; nowUnixS += 7) {
      const options = { size: 2, lookbackMs: 400_000, nowUnixMs: nowUnixS * 1000 };
      const fresh = PartitionRing.of(ring.desc).shuffleShardWithLookback('tenant', options);
      expect(idsOf(ring.shuffleShardWithLookback('tenant', options))).toEqual(idsOf(fresh));
    }
  });

  test('with a look-back holds all that was in the plain shard at any time in it', () => {
    for (let seed = 0; seed < 30; seed++) {
      const random = seededRandom(seed);
      const lookbackS = 100;
      let desc = PartitionRingDesc.empty;
      const history: { readonly unixS: number; readonly ids: readonly number[] }[] = [];
      for (let unixS = 1000; unixS < 1400; unixS += 1 + random.int(20)) {
        const id = random.int(8);
        const nowUnixMs = unixS * 1000;
        const state = desc.partition(id)?.state;
        if (state === undefined) desc = desc.addPartition(id, 'Pending', nowUnixMs);
        else if (state === 'Active') desc = desc.setPartitionState(id, 'Inactive', nowUnixMs);
        else desc = desc.setPartitionState(id, 'Active', nowUnixMs);
        const now = PartitionRing.of(desc);
        history.push({ unixS, ids: idsOf(now.shuffleShard('tenant', 3)) });
        const shard = now.shuffleShardWithLookback('tenant', {
          size: 3,
          lookbackMs: lookbackS * 1000,
          nowUnixMs,
        });
        // A shard holds from its version on until the next one.
        const versions = history.filter(
          (_, i) => (history[i + 1]?.unixS ?? Number.POSITIVE_INFINITY) >= unixS - lookbackS,
        );
        const held = new Set(idsOf(shard));
        for (const { ids } of versions) expect(ids.filter((one) => !held.has(one))).toEqual([]);
      }
    }
  });
});
