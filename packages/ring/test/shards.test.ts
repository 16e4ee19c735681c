import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { RingDesc } from '../src/core/desc.ts';
import { InstanceDesc } from '../src/core/instance.ts';
import { Read, Write } from '../src/core/operation.ts';
import { Subring } from '../src/core/subring.ts';
import { SubringCache } from '../src/core/subring-cache.ts';
import { Tokens } from '../src/core/tokens.ts';
import { RingView } from '../src/core/view.ts';
import { ViewReader } from '../src/read-ring.ts';

const nowUnixS = 1_000_000;
const options = {
  replicationFactor: 3,
  zoneAwarenessEnabled: true,
  excludedZones: [],
  heartbeatTimeoutMs: 60_000,
};

/** Twelve instances in three zones. */
function twelve(change: (instance: InstanceDesc) => InstanceDesc = (same) => same): RingDesc {
  return RingDesc.of(
    Array.from({ length: 12 }, (_, i) =>
      change(
        InstanceDesc.of({
          id: `i-${String(i).padStart(2, '0')}`,
          zone: 'abc'[i % 3] ?? '',
          heartbeatUnixS: nowUnixS,
          registeredUnixS: 10 + i,
          tokens: Tokens.of(Array.from({ length: 8 }, (_t, k) => (k * 12 + i) * 44_739_242)),
        }),
      ),
    ),
  );
}

/** A reader of a ring that can be given other versions. */
function follow(first: RingDesc): { readonly reader: ViewReader; update(next: RingDesc): void } {
  const runtime = new VirtualRuntime({ seed: 1, startUnixMs: nowUnixS * 1000 });
  let view = RingView.of(first, options);
  return {
    reader: new ViewReader(() => view, runtime.clock),
    update: (next) => {
      ({ view } = view.update(next));
    },
  };
}

const ids = (list: readonly InstanceDesc[]): readonly string[] => list.map(({ id }) => id);

describe('a shard', () => {
  test('is the same object for the same call until the topology changes', () => {
    const { reader, update } = follow(twelve());
    const shard = reader.shuffleShard('tenant', 3);
    expect(reader.shuffleShard('tenant', 3)).toBe(shard);
    expect(reader.shuffleShard('tenant', 6)).not.toBe(shard);
    update(twelve((one) => one.with({ heartbeatUnixS: nowUnixS + 5 })));
    expect(reader.shuffleShard('tenant', 3)).toBe(shard);
    update(twelve((one) => one.with({ addr: 'elsewhere:1' })));
    const other = reader.shuffleShard('tenant', 3);
    expect(other).not.toBe(shard);
    expect(ids(other.instances)).toEqual(ids(shard.instances));
  });

  test('has the states and heartbeats of the ring, and its own answers for keys', () => {
    const { reader, update } = follow(twelve());
    const shard = reader.shuffleShard('tenant', 3);
    expect(shard.get(5, Write).instances).toHaveLength(3);
    expect(ids(shard.get(5, Write).instances).toSorted()).toEqual(ids(shard.instances));
    const [first] = shard.instances;
    update(twelve((one) => (one.id === first?.id ? one.with({ state: 'LEAVING' }) : one)));
    expect(shard.instanceState(first?.id ?? '')).toBe('LEAVING');
    expect(() => shard.replicationSetFor(Write)).not.toThrow();
    expect(ids(shard.replicationSetFor(Write).instances)).not.toContain(first?.id);
    expect(shard.replicationSetFor(Read).instances).toHaveLength(3);
  });

  test('stays as it was when the ring changes its topology', () => {
    const { reader, update } = follow(twelve());
    const shard = reader.shuffleShard('tenant', 3);
    const before = ids(shard.instances);
    update(RingDesc.empty);
    expect(ids(shard.instances)).toEqual(before);
    expect(reader.shuffleShard('tenant', 3).instances).toEqual([]);
  });

  test('of no size is the ring itself, without read-only instances', () => {
    const { reader, update } = follow(twelve());
    expect(reader.shuffleShard('tenant', 0)).toBe(reader);
    update(twelve((one) => (one.id === 'i-03' ? one.with({ readOnly: true }) : one)));
    const shard = reader.shuffleShard('tenant', 0);
    expect(shard.instance('i-03')).toBeUndefined();
    expect(shard.instances).toHaveLength(11);
  });

  test('of no size leaves out who was read-only before the time looked back on, also when everything is new', () => {
    const { reader } = follow(
      twelve((one) =>
        one.with(one.id === 'i-05' ? { readOnly: true, readOnlyUpdatedUnixS: 5 } : {}),
      ),
    );
    const shard = reader.shuffleShardWithLookback('tenant', 0, 1000 * (nowUnixS - 8));
    expect(ids(shard.instances)).toEqual(ids(reader.instances).filter((id) => id !== 'i-05'));
    const wide = reader.shuffleShardWithLookback('tenant', 0, 1000 * (nowUnixS - 5));
    expect(ids(wide.instances)).toEqual(ids(reader.instances));
  });

  test('can be sharded again', () => {
    const shard = follow(twelve()).reader.shuffleShard('tenant', 6);
    const inner = shard.shuffleShard('tenant', 3);
    expect(inner.instances).toHaveLength(3);
    expect(ids(shard.instances)).toEqual(expect.arrayContaining([...ids(inner.instances)]));
  });
});

describe('a shard that looks back', () => {
  const ring = twelve((one) =>
    one.id < 'i-06' ? one.with({ registeredUnixS: nowUnixS - 100 }) : one,
  );

  test('holds for later calls while none of its members leaves the time looked back on', () => {
    const { reader } = follow(ring);
    const at = (s: number) =>
      reader.shuffleShardWithLookback('tenant', 3, 200_000, (nowUnixS + s) * 1000);
    const shard = at(0);
    expect(shard.instances.some(({ id }) => id < 'i-06')).toBe(true);
    expect(at(100)).toBe(shard);
    const later = at(101);
    expect(later).not.toBe(shard);
    expect(ids(later.instances)).toEqual(ids(reader.shuffleShard('tenant', 3).instances));
    expect(at(0)).not.toBe(shard);
    expect(at(101)).toBe(later);
  });

  test('with no time to look back on is the plain one', () => {
    const { reader } = follow(ring);
    expect(reader.shuffleShardWithLookback('t', 3, 0)).toBe(reader.shuffleShard('t', 3));
  });

  test('is the ring itself when everything is new', () => {
    const { reader } = follow(twelve((one) => one.with({ registeredUnixS: nowUnixS })));
    expect(reader.shuffleShardWithLookback('t', 3, 10_000)).toBe(reader);
  });
});

describe('the cache of shards', () => {
  const entry = (size: number) => ({ size, lookbackMs: 0, fromUnixS: 0, toUnixS: 0, ring: size });

  test('keeps so many tenants, the ones that were asked for lately first', () => {
    const cache = new SubringCache<number>({
      maxIdentifiers: 2,
      maxPerIdentifier: 2,
      maxTokens: 9,
    });
    for (const name of ['a', 'b', 'c']) cache.set(name, entry(1));
    expect(cache.size).toBe(2);
    expect(cache.get('a', 1, 0, 0)).toBeUndefined();
    cache.get('c', 1, 0, 0);
    cache.set('d', entry(1));
    expect(['b', 'c', 'd'].map((name) => cache.get(name, 1, 0, 0)?.ring)).toEqual([
      undefined,
      1,
      1,
    ]);
  });

  test('keeps so many shards of a tenant', () => {
    const cache = new SubringCache<number>({
      maxIdentifiers: 2,
      maxPerIdentifier: 2,
      maxTokens: 9,
    });
    for (const size of [1, 2, 3]) cache.set('a', entry(size));
    expect([1, 2, 3].map((size) => cache.get('a', size, 0, 0)?.ring)).toEqual([undefined, 2, 3]);
  });

  test('frees the oldest index when all of them hold too many tokens', () => {
    const cache = new SubringCache<number>({
      maxIdentifiers: 9,
      maxPerIdentifier: 9,
      maxTokens: 30,
    });
    const view = RingView.of(twelve(), options);
    const subrings = [0, 1, 2].map((i) => new Subring(() => view, Uint32Array.of(i, i + 3), cache));
    const views = subrings.map((subring) => subring.view());
    expect(cache.tokens).toBe(16);
    expect(subrings[2]?.view()).toBe(views[2]);
    expect(ids(subrings[0]?.view().instances ?? [])).toEqual(['i-00', 'i-03']);
    expect(cache.tokens).toBe(16);
  });

  test('forgets a tenant', () => {
    const { reader } = follow(twelve());
    const shard = reader.shuffleShard('tenant', 3);
    reader.forgetShards('tenant');
    expect(reader.shuffleShard('tenant', 3)).not.toBe(shard);
  });
});
