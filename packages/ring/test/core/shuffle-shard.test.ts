import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { pickShard } from '../../src/core/shuffle-shard.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { RingView } from '../../src/core/view.ts';
import { ringOf, type VectorConfig, vectors } from '../support/vectors.ts';

function viewOf(ring: RingDesc, config: Pick<VectorConfig, 'zoneAwarenessEnabled'>): RingView {
  return RingView.of(ring, {
    replicationFactor: 3,
    zoneAwarenessEnabled: config.zoneAwarenessEnabled,
    excludedZones: [],
    heartbeatTimeoutMs: 0,
  });
}

/** The ids of a shard's members. */
function members(
  view: RingView,
  identifier: string,
  size: number,
  sinceUnixS?: number,
): readonly string[] {
  const shard = pickShard(view, { identifier, size, sinceUnixS });
  if (shard === undefined) return view.instances.map(({ id }) => id);
  return Array.from(shard.positions, (position) => view.instances[position]?.id ?? '');
}

describe('the reference picks the same', () => {
  test.each(vectors.shuffleShard.rings)('$name: for every tenant and size', (vector) => {
    const view = viewOf(ringOf(vector.instances), vector.config);
    for (const [tenant, bySize] of Object.entries(vector.results)) {
      for (const [size, ids] of Object.entries(bySize)) {
        expect(members(view, tenant, Number(size)).toSorted(), `${tenant} ${size}`).toEqual(ids);
      }
    }
  });

  test.each(vectors.shuffleShard.lookback.map((vector, i) => ({ i, vector })))(
    'looking back, ring $i: for every tenant, size and time',
    ({ vector }) => {
      const view = viewOf(ringOf(vector.instances), vector.config);
      for (const [tenant, results] of Object.entries(vector.results)) {
        for (const [name, ids] of Object.entries(results)) {
          const [, size, lookback] = /^size=(\d+),lookback=(\d+)$/.exec(name) ?? [];
          const since = vector.now - Number(lookback);
          const found = members(view, tenant, Number(size), since).toSorted();
          expect(found, `${tenant} ${name}`).toEqual(ids);
        }
      }
    },
  );
});

interface Member {
  readonly id: string;
  readonly zone: string;
  readonly registeredUnixS: number;
  readonly readOnly: boolean;
  readonly readOnlyUpdatedUnixS: number;
}

/** Tokens that depend on nothing but the id. */
function tokensOf(id: string): Tokens {
  let state = 7;
  for (const letter of id) state = Math.imul(state ^ letter.charCodeAt(0), 0x9e3779b1);
  return Tokens.of(
    Array.from({ length: 32 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state ^ (state >>> 13)) >>> 0;
    }),
  );
}

function ringWith(list: readonly Member[]): RingDesc {
  return RingDesc.of(
    list.map((member) => InstanceDesc.of({ ...member, tokens: tokensOf(member.id) })),
  );
}

function member(i: number): Member {
  const zone = 'abc'[i % 3] ?? '';
  return { id: `${zone}-${i}`, zone, registeredUnixS: 1, readOnly: false, readOnlyUpdatedUnixS: 0 };
}

const tenants = fc.string({ maxLength: 8 });
const counts = fc.integer({ min: 2, max: 24 });
const sizes = fc.integer({ min: 1, max: 12 });

function missing(from: readonly string[], among: readonly string[]): readonly string[] {
  return from.filter((id) => !among.includes(id));
}

describe('a shard', () => {
  test('changes by one member at most when an instance comes or goes', () => {
    fc.assert(
      fc.property(tenants, counts, sizes, fc.boolean(), (tenant, count, size, zoneAware) => {
        const config = { zoneAwarenessEnabled: zoneAware };
        const all = Array.from({ length: count }, (_, i) => member(i));
        const full = viewOf(ringWith(all), config);
        const less = viewOf(ringWith(all.slice(0, -1)), config);
        // A zone that comes with the instance changes how many each zone gives.
        fc.pre(!zoneAware || full.topology.zones.length === less.topology.zones.length);
        const before = members(less, tenant, size);
        const after = members(full, tenant, size);
        expect(missing(before, after).length).toBeLessThanOrEqual(1);
        expect(missing(after, before).length).toBeLessThanOrEqual(1);
        const zones = new Set(
          [...missing(before, after), ...missing(after, before)].map((id) => id[0]),
        );
        if (zoneAware) expect(zones.size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });

  test('only grows with its size, evenly over the zones', () => {
    fc.assert(
      fc.property(tenants, counts, sizes, (tenant, count, size) => {
        const all = Array.from({ length: count }, (_, i) => member(i));
        const view = viewOf(ringWith(all), { zoneAwarenessEnabled: true });
        const small = members(view, tenant, size);
        const large = members(view, tenant, size + 3);
        expect(missing(small, large)).toEqual([]);
        const each = Math.ceil(size / view.topology.zones.length);
        for (const [zone, name] of view.topology.zones.entries()) {
          const there = view.topology.instancesInZone[zone] ?? 0;
          expect(small.filter((id) => id.startsWith(name)).length).toBe(Math.min(each, there));
        }
      }),
    );
  });

  test('keeps the picks of the other zones when a zone is added', () => {
    const all = Array.from({ length: 24 }, (_, i) => member(i));
    const two = viewOf(ringWith(all.filter(({ zone }) => zone !== 'c')), {
      zoneAwarenessEnabled: true,
    });
    const three = viewOf(ringWith(all), { zoneAwarenessEnabled: true });
    for (let i = 0; i < 50; i++) {
      const before = members(two, `t-${i}`, 4);
      expect(missing(before, members(three, `t-${i}`, 6))).toEqual([]);
    }
  });

  test('is another one for most tenants', () => {
    const view = viewOf(ringWith(Array.from({ length: 60 }, (_, i) => member(i))), {
      zoneAwarenessEnabled: true,
    });
    const shards = new Set(
      Array.from({ length: 200 }, (_, i) => members(view, `t-${i}`, 6).join()),
    );
    expect(shards.size).toBeGreaterThan(190);
    const used = new Set(Array.from({ length: 200 }, (_, i) => members(view, `t-${i}`, 6)).flat());
    expect(used.size).toBe(60);
  });
});

/** What happened to a ring, one event after the other. */
const events = fc.array(
  fc.record({
    afterS: fc.integer({ min: 1, max: 40 }),
    what: fc.constantFrom('add', 'add', 'remove', 'readOnly', 'writable'),
    which: fc.nat(),
  }),
  { minLength: 1, maxLength: 25 },
);

function apply(
  ring: readonly Member[],
  event: { readonly what: string; readonly which: number },
  at: { readonly nowUnixS: number; readonly next: number },
): readonly Member[] {
  if (event.what === 'add') return [...ring, { ...member(at.next), registeredUnixS: at.nowUnixS }];
  const index = event.which % ring.length;
  if (event.what === 'remove') {
    // A zone that goes or comes changes how many members each of the others gives, which nobody can look back on.
    const isLast = ring.filter(({ zone }) => zone === ring[index]?.zone).length === 1;
    return isLast ? ring : ring.filter((_, i) => i !== index);
  }
  const readOnly = event.what === 'readOnly';
  return ring.map((one, i) =>
    i === index && one.readOnly !== readOnly
      ? { ...one, readOnly, readOnlyUpdatedUnixS: at.nowUnixS }
      : one,
  );
}

test('looking back, a shard has every instance that it had within that time and that is still there', () => {
  fc.assert(
    fc.property(tenants, sizes, events, fc.boolean(), (tenant, size, list, zoneAware) => {
      const config = { zoneAwarenessEnabled: zoneAware };
      const lookbackS = 60;
      let nowUnixS = 1000;
      let ring: readonly Member[] = Array.from({ length: 6 }, (_, i) => member(i));
      const history: { readonly untilUnixS: number; readonly ids: readonly string[] }[] = [];
      for (const [i, event] of list.entries()) {
        const before = members(viewOf(ringWith(ring), config), tenant, size);
        nowUnixS += event.afterS;
        history.push({ untilUnixS: nowUnixS, ids: before });
        ring = apply(ring, event, { nowUnixS, next: 6 + i });
        const view = viewOf(ringWith(ring), config);
        const since = nowUnixS - lookbackS;
        const wide = members(view, tenant, size, since);
        const recent = history
          .filter(({ untilUnixS }) => untilUnixS >= since)
          .flatMap(({ ids }) => ids);
        const present = recent.filter((id) => ring.some((one) => one.id === id));
        expect(missing(present, wide)).toEqual([]);
      }
    }),
    { numRuns: 500 },
  );
});

test('an instance that came exactly when the look-back begins counts as having come within it', () => {
  const all = Array.from({ length: 9 }, (_, i) => member(i));
  for (const recent of all) {
    const ring = all.map((one) => (one === recent ? { ...one, registeredUnixS: 500 } : one));
    const view = viewOf(ringWith(ring), { zoneAwarenessEnabled: false });
    const plain = members(view, 't', 3);
    const expected = plain.includes(recent.id) ? 4 : 3;
    expect(members(view, 't', 3, 500)).toHaveLength(expected);
    expect(members(view, 't', 3, 501)).toEqual(plain);
  }
});
