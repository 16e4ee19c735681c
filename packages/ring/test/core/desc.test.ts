import { mergeLaws } from '@ml/kv/laws';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { smallRings } from '../support/arbitraries.ts';
import { plain, ringOf, vectors } from '../support/vectors.ts';

/** We date a tombstone no older than the entry it buries, so that peers accept it. R-17 */
const REMOVED_WITH_FAST_CLOCK =
  'localCAS: removed entry with timestamp in the future gets the earlier now';

describe('merge', () => {
  test.each(vectors.merge.filter(({ name }) => name !== REMOVED_WITH_FAST_CLOCK))(
    '$name: as the reference merges',
    ({ before, incoming, localCAS, now, after, change }) => {
      const merged = ringOf(before).merge(ringOf(incoming), {
        localCas: localCAS,
        nowUnixMs: now * 1000,
      });
      expect(plain(merged.value)).toEqual(plain(ringOf(after)));
      if (change == null) expect(merged.change).toBeUndefined();
      else expect(merged.change && plain(merged.change)).toEqual(plain(ringOf(change)));
    },
  );

  test.each(vectors.mergeOrder)('grouping: $name', (vector) => {
    const options = { localCas: false, nowUnixMs: 0 };
    const a = ringOf(vector.a);
    const b = ringOf(vector.b);
    const c = ringOf(vector.c);
    const left = a.merge(b, options).value.merge(c, options).value;
    const right = a.merge(b.merge(c, options).value, options).value;
    expect(plain(left)).toEqual(plain(ringOf(vector['(a.b).c'])));
    expect(plain(right)).toEqual(plain(ringOf(vector['a.(b.c)'])));
  });
});

describe('tombstones', () => {
  test.each(vectors.removeTombstones)(
    'with limit $limit the reference removes $removed and keeps $total',
    ({ before, after, limit, removed, total }) => {
      const result = ringOf(before).removeTombstones(limit === null ? undefined : limit * 1000);
      expect(plain(result.value)).toEqual(plain(ringOf(after)));
      expect(result).toMatchObject({ removed, total });
    },
  );
});

describe('laws', () => {
  const laws = mergeLaws<RingDesc>({
    show: (ring) => JSON.stringify(plain(ring)),
    nowUnixMs: 5000,
  });

  test.each(laws)('$name', (law) => {
    fc.assert(
      fc.property(
        smallRings({ sharedTokens: false }),
        smallRings({ sharedTokens: false }),
        (a, b) => law.check(consistent(a), consistent(b)),
      ),
    );
  });

  test('grouping does not matter while no token is shared', () => {
    const ring = smallRings({ sharedTokens: false }).map(consistent);
    fc.assert(
      fc.property(ring, ring, ring, (a, b, c) => {
        expect(plain(merge(merge(a, b), c))).toEqual(plain(merge(a, merge(b, c))));
      }),
    );
  });

  test('a change holds no token twice', () => {
    fc.assert(
      fc.property(smallRings(), smallRings(), (a, b) => {
        const { change } = a.merge(b, options);
        const tokens = change?.instances.flatMap((instance) => Array.from(instance.tokens)) ?? [];
        if (a.tokenIndex.duplicates === 0 && b.tokenIndex.duplicates === 0) {
          expect(new Set(tokens).size).toBe(tokens.length);
        }
      }),
    );
  });

  test('tombstones hold no tokens, whatever came in', () => {
    const left = InstanceDesc.of({ id: 'a', state: 'LEFT', tokens: Tokens.of([1]) });
    const ring = RingDesc.empty.merge(RingDesc.of([left]), options).value;
    expect(ring.get('a')?.tokens.isEmpty).toBe(true);
  });
});

describe('sharing', () => {
  const many = RingDesc.of(
    Array.from({ length: 50 }, (_, i) =>
      InstanceDesc.of({ id: `i-${i}`, heartbeatUnixS: 5, tokens: Tokens.of([i * 3, i * 3 + 1]) }),
    ),
  );

  test('a heartbeat replaces one instance and leaves the layout alone', () => {
    const beat = many.get('i-7')?.with({ heartbeatUnixS: 9 }) ?? fail();
    const { value } = many.merge(many.set(beat), { localCas: true, nowUnixMs: 9000 });
    expect(value.layout).toBe(many.layout);
    expect(value.instances.filter((one, i) => one !== many.instances[i])).toEqual([beat]);
  });

  test('equal tokens of a peer are shared with those we hold', () => {
    const beat = InstanceDesc.of({ id: 'i-7', heartbeatUnixS: 9, tokens: Tokens.of([21, 22]) });
    const { value } = many.merge(RingDesc.of([beat]), options);
    expect(value.layout).toBe(many.layout);
    expect(value.get('i-7')?.tokens).toBe(many.get('i-7')?.tokens);
  });

  test('what readers see is stripped of tombstones once for all heartbeats', () => {
    const first = many.merge(RingDesc.of([left('i-3', 9)]), options).value;
    const beat = InstanceDesc.of({ id: 'i-7', heartbeatUnixS: 9, tokens: Tokens.of([21, 22]) });
    const second = first.merge(RingDesc.of([beat]), options).value;
    expect(second.layout).toBe(first.layout);
    const [one, two] = [first, second].map((ring) => ring.removeTombstones(undefined).value);
    expect(one?.layout).toBe(two?.layout);
    expect(two?.size).toBe(49);
    expect(two?.get('i-7')?.heartbeatUnixS).toBe(9);
  });

  test('an index derived from the one before equals one built anew', () => {
    fc.assert(
      fc.property(smallRings(), fc.array(smallRings(), { maxLength: 5 }), (first, more) => {
        let ring = first;
        for (const next of more) {
          expect(ring.tokenIndex.tokens.length).toBeGreaterThanOrEqual(0);
          ring = ring.merge(next, options).value.removeTombstones(2000).value;
        }
        expect(ring.tokenIndex).toEqual(RingDesc.of(ring.instances).tokenIndex);
      }),
    );
  });

  test('merges agree whether or not somebody looked at the index between them', () => {
    fc.assert(
      fc.property(
        smallRings(),
        fc.array(fc.tuple(smallRings(), fc.boolean()), { maxLength: 12 }),
        (first, more) => {
          let ring = first;
          let fresh = first;
          for (const [next, looks] of more) {
            if (looks) expect(ring.tokenIndex).toEqual(fresh.tokenIndex);
            ring = ring.merge(next, options).value;
            fresh = RingDesc.of(RingDesc.of(fresh.instances).merge(next, options).value.instances);
            expect(plain(ring)).toEqual(plain(fresh));
          }
          expect(ring.tokenIndex).toEqual(fresh.tokenIndex);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('setting, deleting and filtering agree with a plain map', () => {
    const step = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'é', '\uff61', '😀'),
      tokens: fc.option(fc.array(fc.nat(5), { maxLength: 3 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const model = new Map<string, InstanceDesc>();
        let ring = RingDesc.empty;
        for (const { id, tokens } of steps) {
          if (tokens === undefined) {
            model.delete(id);
            ring = ring.delete(id);
          } else {
            const instance = InstanceDesc.of({ id, tokens: Tokens.of(tokens) });
            model.set(id, instance);
            ring = ring.set(instance);
          }
          expect(ring.tokenIndex).toEqual(RingDesc.of(model.values()).tokenIndex);
        }
        expect(plain(ring)).toEqual(plain(RingDesc.of(model.values())));
        expect(ring.instances.map(({ id }) => id)).toEqual(
          [...model.keys()].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y))),
        );
      }),
    );
  });
});

test('a removal is dated no earlier than what it removes, so that peers accept it', () => {
  const ring = RingDesc.of([InstanceDesc.of({ id: 'a', heartbeatUnixS: 5000 })]);
  const { change } = ring.merge(RingDesc.empty, { localCas: true, nowUnixMs: 1_000_000 });
  expect(change?.get('a')).toMatchObject({ state: 'LEFT', heartbeatUnixS: 5000 });
  const peer = ring.merge(change ?? RingDesc.empty, options).value;
  expect(peer.get('a')?.state).toBe('LEFT');
});

test('a takeover from a leaving instance comes out the same in every order', () => {
  const leaving = InstanceDesc.of({
    id: 'a',
    state: 'LEAVING',
    heartbeatUnixS: 10,
    tokens: Tokens.of([1, 2]),
  });
  const joining = InstanceDesc.of({
    id: 'b',
    state: 'JOINING',
    heartbeatUnixS: 10,
    tokens: Tokens.of([1, 2]),
  });
  const rings = [RingDesc.of([leaving]), RingDesc.of([joining])] as const;
  for (const [x, y] of [rings, [rings[1], rings[0]]] as const) {
    const merged = merge(x, y);
    expect(Array.from(merged.get('b')?.tokens ?? [])).toEqual([1, 2]);
    expect(merged.get('a')?.tokens.isEmpty).toBe(true);
  }
});

const options = { localCas: false, nowUnixMs: 0 };

function merge(a: RingDesc, b: RingDesc): RingDesc {
  return a.merge(b, options).value;
}

function left(id: string, heartbeatUnixS: number): InstanceDesc {
  return InstanceDesc.of({ id, state: 'LEFT', heartbeatUnixS });
}

/** One writer an instance: what it says follows from when it says it. */
function consistent(ring: RingDesc): RingDesc {
  return RingDesc.of(
    ring.instances
      .filter(({ heartbeatUnixS }) => heartbeatUnixS > 0)
      .map((instance) => {
        const { id, heartbeatUnixS } = instance;
        if (instance.isLeft) return left(id, heartbeatUnixS).with({ addr: instance.addr });
        return instance.with({
          state: heartbeatUnixS % 2 === 0 ? 'ACTIVE' : 'LEAVING',
          tokens: Tokens.of([heartbeatUnixS * 3 + id.charCodeAt(0) - 97]),
        });
      }),
  );
}

function fail(): never {
  throw new TypeError('the ring lacks the instance');
}
