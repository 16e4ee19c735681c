import { seededRandom } from '@ml/runtime';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { KeyBatch } from '../../src/core/key-batch.ts';
import { lookUpKey } from '../../src/core/lookup.ts';
import { Operation, Read, Reporting, Write } from '../../src/core/operation.ts';
import type { Placement } from '../../src/core/placement.ts';
import { ReplicaBuffer } from '../../src/core/replica-buffer.ts';
import { ignoreUnhealthyStrategy, quorumStrategy } from '../../src/core/replication-strategy.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { RingView, type ViewOptions } from '../../src/core/view.ts';
import { findToken } from '../../src/core/walk.ts';

const nowUnixS = 1_000_000;
const nowUnixMs = nowUnixS * 1000;

/** So many instances without tokens that the positions of three do not fit a row. */
const idle = Array.from({ length: 1100 }, (_, i) =>
  InstanceDesc.of({ id: `idle-${i}`, zone: 'a', heartbeatUnixS: nowUnixS }),
);

/** Rings of up to ten instances with tokens; few of them are not healthy, tokens lie close together. */
const rings = fc
  .array(
    fc.record({
      zone: fc.constantFrom('', 'a', 'b', 'c', 'd'),
      state: fc.constantFrom('ACTIVE', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'LEAVING', 'JOINING'),
      heartbeatUnixS: fc.constantFrom(nowUnixS, nowUnixS, nowUnixS, nowUnixS - 61),
      tokens: fc.array(
        fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 0xffffffff })),
        { maxLength: 12 },
      ),
    }),
    { minLength: 1, maxLength: 10 },
  )
  .chain((list) => {
    const busy = list.map(({ tokens, ...init }, i) =>
      InstanceDesc.of({ ...init, id: `i-${i}`, tokens: Tokens.of(tokens) }),
    );
    return fc.constantFrom([], [], [], idle).map((others) => RingDesc.of([...busy, ...others]));
  });

const viewOptions: fc.Arbitrary<ViewOptions> = fc.record({
  replicationFactor: fc.integer({ min: 1, max: 9 }),
  zoneAwarenessEnabled: fc.boolean(),
  excludedZones: fc.constantFrom([], ['d']),
  heartbeatTimeoutMs: fc.constantFrom(0, 60_000),
  strategy: fc.constantFrom(quorumStrategy, ignoreUnhealthyStrategy),
});

const keys = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 41 }), fc.integer({ min: 0, max: 0xffffffff })),
  { minLength: 1, maxLength: 20 },
);

/** The ids and tolerance of an answer, or the code of the error. */
function outcome(
  run: () => { readonly ids: readonly string[]; readonly maxErrors: number },
): unknown {
  try {
    return run();
  } catch (error) {
    return error instanceof Error && 'code' in error
      ? { code: error.code, text: error.message }
      : error;
  }
}

function single(view: RingView, key: number, operation: Operation): unknown {
  return outcome(() => {
    const { instances, maxErrors } = lookUpKey(view, key, operation, nowUnixMs);
    return { ids: instances.map(({ id }) => id), maxErrors };
  });
}

describe('the table of walks', () => {
  const operations = fc.constantFrom(Write, Read, Reporting, Operation.of(['ACTIVE', 'LEAVING']));

  test('gives every key the answer that walking gives', () => {
    fc.assert(
      fc.property(rings, viewOptions, keys, operations, (ring, options, list, operation) => {
        const walked = RingView.of(ring, options);
        const looked = RingView.of(ring, options);
        looked.placement.makeTable();
        const all = Uint32Array.from(looked.instances.keys());
        const shard = looked.subset(all, undefined);
        shard.placement.makeTable();
        for (const key of list) {
          const expected = single(walked, key, operation);
          expect(single(looked, key, operation)).toEqual(expected);
          expect(single(shard, key, operation)).toEqual(expected);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['a zone with a single token', 3, 1],
    ['a zone with few tokens', 3, 40],
    ['more replicas than hints', 5, 1],
    ['two replicas', 2, 1],
  ])('gives every key the answer that walking gives: %s', (_name, replicationFactor, rare) => {
    const random = seededRandom(8);
    const tokens = (count: number): Tokens =>
      Tokens.of(Array.from({ length: count }, () => random.int(2 ** 32)));
    const common = Array.from({ length: 40 }, (_, i) =>
      InstanceDesc.of({ id: `i-${i}`, zone: i % 2 === 0 ? 'a' : 'b', tokens: tokens(60) }),
    );
    const small = [...common, InstanceDesc.of({ id: 'rare', zone: 'c', tokens: tokens(rare) })];
    const cases = [small, [...small, ...idle]].flatMap((instances) =>
      [true, false].map((zoneAwarenessEnabled) => [instances, zoneAwarenessEnabled] as const),
    );
    for (const [instances, zoneAwarenessEnabled] of cases) {
      const options = {
        replicationFactor,
        zoneAwarenessEnabled,
        excludedZones: [],
        heartbeatTimeoutMs: 0,
      };
      const ring = RingDesc.of(instances);
      const walked = RingView.of(ring, options);
      const looked = RingView.of(ring, options);
      looked.placement.makeTable();
      const shard = looked.subset(Uint32Array.from(looked.instances.keys()), undefined);
      shard.placement.makeTable();
      expect(looked.placement.table).toBeDefined();
      const edges = [0, 0xffffffff, ...walked.topology.tokens.slice(-3)];
      for (const key of [...edges, ...Array.from({ length: 500 }, () => random.int(2 ** 32))]) {
        expect(single(looked, key, Write)).toEqual(single(walked, key, Write));
        expect(single(shard, key, Write)).toEqual(single(walked, key, Write));
      }
    }
  });

  test('answers alike into a buffer and in a batch that is used again and again', () => {
    const batch = new KeyBatch();
    fc.assert(
      fc.property(rings, viewOptions, keys, operations, (ring, options, list, operation) => {
        const view = RingView.of(ring, options);
        if (list.length % 2 === 0) view.placement.makeTable();
        const buffer = new ReplicaBuffer();
        const expected = list.map((key) => single(view, key, operation));
        const buffered = list.map((key) =>
          outcome(() => {
            const count = buffer.fill(view, key, operation, nowUnixMs);
            const ids = Array.from({ length: count }, (_, i) => buffer.at(i)?.id ?? '');
            return { ids, maxErrors: buffer.maxErrors };
          }),
        );
        expect(buffered).toEqual(expected);
        const failure = expected.find((answer) => Object.hasOwn(Object(answer), 'code'));
        const together = outcome(() => {
          batch.fill(view, { keys: list, operation, nowUnixMs });
          expect(batch.size).toBe(list.length);
          for (const i of list.keys()) {
            const { instances, maxErrors } = batch.get(i);
            expect({ ids: instances.map(({ id }) => id), maxErrors }).toEqual(expected[i]);
          }
          return { ids: [], maxErrors: 0 };
        });
        if (failure !== undefined) expect(batch.size).toBe(0);
        for (const i of [batch.size, -1, 0.5]) expect(() => batch.get(i)).toThrow(RangeError);
        expect(together).toEqual(failure ?? { ids: [], maxErrors: 0 });
      }),
      { numRuns: 500 },
    );
  });

  test('finds the token of a key where many tokens share a prefix', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 200 }),
        fc.array(fc.integer({ min: 0, max: 301 })),
        (tokens, list) => {
          const ring = RingDesc.of([InstanceDesc.of({ id: 'a', tokens: Tokens.of(tokens) })]);
          const view = RingView.of(ring, {
            replicationFactor: 1,
            zoneAwarenessEnabled: false,
            excludedZones: [],
            heartbeatTimeoutMs: 0,
          });
          view.placement.makeTable();
          const { table } = view.placement;
          for (const key of list) {
            const found = (table?.rowOf(key) ?? Number.NaN) % tokens.length;
            expect(found).toBe(findToken(view.topology.tokens, key));
          }
        },
      ),
    );
  });

  test.each([
    ['tokens and owners, two replicas', 60_000, 100_000, 2],
    ['tokens of few owners, two replicas', 60_000, 90, 2],
    ['tokens of few owners, three replicas', 60_000, 90, 3],
    ['tokens of very few owners, three replicas', 60_000, 30, 3],
    ['tokens of few owners, five replicas', 60_000, 90, 5],
    ['prefixes, three replicas', 20_000, 90, 3],
  ])('finds the instances of a key among many %s', (_what, count, owners, replicas) => {
    const random = seededRandom(3);
    const even = Array.from({ length: count }, () => random.int(2 ** 32));
    // Several of these share a prefix and the bits that follow it, and some prefixes have more than are searched in steps.
    const close = Array.from({ length: 400 }, () => random.int(2 ** 32 - 4096)).flatMap((from) =>
      Array.from({ length: 1 + random.int(40) }, () => from + random.int(4096)),
    );
    const distinct = [...new Set([...even, ...close])];
    const owned = distinct.slice(0, owners).map((token) => [token]);
    for (const token of distinct.slice(owners)) owned[random.int(owners)]?.push(token);
    const ring = RingDesc.of(
      owned.map((own, i) => InstanceDesc.of({ id: `i-${i}`, tokens: Tokens.of(own) })),
    );
    const view = RingView.of(ring, {
      replicationFactor: replicas,
      zoneAwarenessEnabled: false,
      excludedZones: [],
      heartbeatTimeoutMs: 0,
    });
    view.placement.makeTable();
    const { tokens, owners: owner } = view.topology;
    const { table } = view.placement;
    if (table === undefined) throw new TypeError('this ring has no table');
    const keys = close.flatMap((token) => [token - 1, token, token + 1, random.int(2 ** 32)]);
    keys.push(0, 2 ** 32 - 1, (tokens[0] ?? 0) - 1, tokens.at(-1) ?? 0);
    const together = new Int32Array(keys.length);
    table.findAll(keys, together);
    for (const [i, key] of keys.entries()) {
      const answer = table.find(key);
      expect(together[i]).toBe(answer);
      const row = table.rowOf(key);
      const next = findToken(tokens, key);
      if (row % tokens.length !== next) expect(row).toBe(next);
      if (i % 8 > 0) continue;
      const met = new Set([...owner.subarray(next, next + 200), ...owner.subarray(0, 200)]);
      const expected = [...met].slice(0, replicas);
      expect(expected.map((_, k) => table.position(answer, k))).toEqual(expected);
    }
  });

  test('is made once walks have cost as much', () => {
    const tokens = Tokens.of(Array.from({ length: 2560 }, (_, i) => i * 1_000_000));
    const view = RingView.of(RingDesc.of([InstanceDesc.of({ id: 'a', tokens })]), {
      replicationFactor: 1,
      zoneAwarenessEnabled: false,
      excludedZones: [],
      heartbeatTimeoutMs: 0,
    });
    for (let i = 0; i < 40; i++) lookUpKey(view, i, Write, nowUnixMs);
    expect(view.placement.table).toBeUndefined();
    lookUpKey(view, 0, Write, nowUnixMs);
    expect(view.placement.table?.width).toBe(1);
  });
});

describe('the table of a large ring', () => {
  const owned = Array.from({ length: 20_000 }, (_, i) => i * 200_003);
  const ring = RingDesc.of([InstanceDesc.of({ id: 'a', tokens: Tokens.of(owned) })]);
  const large = (): RingView =>
    RingView.of(ring, {
      replicationFactor: 1,
      zoneAwarenessEnabled: false,
      excludedZones: [],
      heartbeatTimeoutMs: 0,
    });

  test('is made by many walks, none of which makes all of it', () => {
    const { placement } = large();
    placement.countWalks(20_000 / 64);
    expect(placement.table).toBeUndefined();
    let walks = 0;
    for (; placement.table === undefined && walks < 100; walks++) placement.countWalks(1);
    expect(walks).toBe(5);
  });

  test('is the same when it is made piece by piece', () => {
    const whole = large().placement;
    whole.makeTable();
    const pieces = large().placement;
    let steps = 1;
    while (!pieces.buildTable(3001)) steps++;
    expect(steps).toBe(8);
    const instances = ({ table, topology }: Placement): unknown =>
      Array.from(topology.tokens, (token) => {
        const answer = table?.find(token) ?? Number.NaN;
        return [0, 1, 2].map((k) => table?.position(answer, k));
      });
    expect(instances(pieces)).toEqual(instances(whole));
  });
});

describe('a heartbeat', () => {
  const one = InstanceDesc.of({
    id: 'a',
    heartbeatUnixS: nowUnixS,
    tokens: Tokens.of([1]),
  });
  const view = RingView.of(RingDesc.of([one]), {
    replicationFactor: 1,
    zoneAwarenessEnabled: false,
    excludedZones: [],
    heartbeatTimeoutMs: 60_000,
  });

  test('expires to the millisecond, and counts again when the clock is set back', () => {
    const at = (ms: number): unknown =>
      outcome(() => {
        const { instances } = lookUpKey(view, 5, Write, nowUnixMs + ms);
        return { ids: instances.map(({ id }) => id), maxErrors: 0 };
      });
    const found = { ids: ['a'], maxErrors: 0 };
    const lost = expect.objectContaining({ code: 'ML_RING_TOO_FEW_HEALTHY' });
    expect([0, 60_000, 60_001, 60_000, 60_001].map(at)).toEqual([found, found, lost, found, lost]);
  });

  test('of a later version counts at once and leaves the earlier version as it was', () => {
    const later = view.update(RingDesc.of([one.with({ heartbeatUnixS: nowUnixS + 10 })])).view;
    expect(later.isFresh(0, nowUnixMs + 70_000)).toBe(true);
    expect(view.isFresh(0, nowUnixMs + 70_000)).toBe(false);
    expect(later.placement).toBe(view.placement);
  });
});
