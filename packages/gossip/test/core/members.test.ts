import { seededRandom } from '@ml/runtime';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Identity, MemberPool } from '../../src/core/member-pool.ts';
import { MemberTable } from '../../src/core/members.ts';
import { VERSIONS } from './harness.ts';

const STATES = ['alive', 'suspect', 'dead', 'left'] as const;

function add(table: MemberTable, pool: MemberPool, name: string): number {
  return table.insert(name, (id) => identity(pool, id, name));
}

function identity(pool: MemberPool, id: number, name: string): Identity {
  const ip = Uint8Array.of(10, 0, 0, 1);
  return pool.identity(id, { name, ip, port: 7946, meta: undefined, versions: VERSIONS });
}

function filled(count: number, seed = 1): { table: MemberTable; pool: MemberPool; ids: number[] } {
  const pool = new MemberPool();
  const table = new MemberTable(pool, seededRandom(seed));
  const ids = Array.from({ length: count }, (_, i) => add(table, pool, `node-${i}`));
  for (const id of ids) table.setState(id, 'alive', 0);
  return { table, pool, ids };
}

function order(table: MemberTable): readonly number[] {
  return Array.from({ length: table.size }, (_, i) => table.at(i));
}

describe('the member table', () => {
  test('finds members by name and counts them by state', () => {
    const { table, ids } = filled(5);
    table.setState(ids[0] ?? 0, 'suspect', 1);
    table.setState(ids[1] ?? 0, 'left', 1);
    expect(table.find('node-3')).toBe(ids[3]);
    expect(table.find('node-9')).toBe(-1);
    expect(STATES.map((state) => table.count(state))).toEqual([3, 1, 0, 1]);
    expect(table.live).toBe(4);
  });

  test('inserts at a random place, but never at the end', () => {
    for (let seed = 0; seed < 50; seed++) {
      const { table, ids } = filled(6, seed);
      expect(order(table).at(-1)).not.toBe(ids.at(-1));
      expect(new Set(order(table))).toEqual(new Set(ids));
    }
  });

  test('forgets the long dead and shuffles the others', () => {
    const { table, pool, ids } = filled(100);
    const [dead = 0, left = 0, recent = 0, self = 0] = ids;
    for (const id of [dead, left, self]) table.setState(id, 'left', 0);
    table.setState(recent, 'dead', 500);
    const before = order(table);
    table.reap(1000, 999, self);
    expect(table.size).toBe(98);
    expect(table.find('node-0')).toBe(-1);
    expect(table.find('node-2')).toBe(recent);
    expect(table.find('node-3')).toBe(self);
    expect(order(table)).not.toEqual(before.filter((id) => id !== dead && id !== left));
    expect(pool.size).toBe(98);
  });

  test('gives a removed member no state back when its number is used again', () => {
    const { table, pool, ids } = filled(3);
    const [gone = 0] = ids;
    table.setIncarnation(gone, 9);
    table.setState(gone, 'dead', 0);
    table.reap(1, 0, -1);
    expect(table.has(gone)).toBe(false);
    const fresh = add(table, pool, 'fresh');
    expect(fresh).toBe(gone);
    expect(table.incarnation(fresh)).toBe(0);
    expect(table.changedAt(fresh)).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('a random sample', () => {
  test('has as many different members as there are, up to the number asked for', () => {
    const sizes = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 6 }), fc.nat());
    fc.assert(
      fc.property(sizes, fc.func(fc.boolean()), ([n, k, seed], accept) => {
        const { table, ids } = filled(n, seed);
        const eligible = ids.filter((id) => accept(id));
        const sample = table.sample(k, (id) => accept(id));
        expect(new Set(sample).size).toBe(sample.length);
        expect(sample.length).toBe(Math.min(k, eligible.length));
        expect(sample.every((id) => eligible.includes(id))).toBe(true);
      }),
    );
  });

  test.each([3, 30])('takes each of %i members equally often', (n) => {
    const { table, ids } = filled(n);
    const hits = new Map<number, number>(ids.map((id) => [id, 0]));
    const draws = 3000;
    for (let i = 0; i < draws; i++) {
      for (const id of table.sample(2, () => true)) hits.set(id, (hits.get(id) ?? 0) + 1);
    }
    for (const count of hits.values()) {
      const expected = (2 * draws) / n;
      expect(Math.abs(count - expected)).toBeLessThan(6 * Math.sqrt(expected));
    }
  });
});

describe('the pool', () => {
  test('keeps one copy of an identity for all tables, and a name as long as one of them needs it', () => {
    const pool = new MemberPool();
    const one = new MemberTable(pool, seededRandom(1));
    const two = new MemberTable(pool, seededRandom(2));
    const id = add(one, pool, 'node');
    expect(add(two, pool, 'node')).toBe(id);
    expect(two.identity(id)).toBe(one.identity(id));
    one.clear();
    expect(pool.lookup('node')).toBe(id);
    expect(two.find('node')).toBe(id);
    two.clear();
    expect(pool.size).toBe(0);
    expect(pool.lookup('node')).toBe(-1);
  });

  test('makes a new identity when something changes, with bytes of its own', () => {
    const pool = new MemberPool();
    const id = pool.acquire('node');
    const meta = Uint8Array.of(1);
    const parts = {
      name: 'node',
      ip: Uint8Array.of(10, 0, 0, 1),
      port: 1,
      meta,
      versions: VERSIONS,
    };
    const first = pool.identity(id, parts);
    expect(pool.identity(id, { ...parts, ip: Uint8Array.of(10, 0, 0, 1) })).toBe(first);
    meta[0] = 2;
    expect(first.meta).toEqual(Uint8Array.of(1));
    expect(pool.identity(id, parts)).not.toBe(first);
  });

  describe('when it is shared', () => {
    const parts = {
      name: 'node',
      ip: Uint8Array.of(10, 0, 0, 1),
      port: 1,
      meta: undefined,
      versions: VERSIONS,
    };

    test('has an announcement encoded once, until anything in it changes', () => {
      const pool = new MemberPool({ shared: true });
      const id = pool.acquire('node');
      const one = pool.identity(id, parts);
      const other = pool.identity(id, { ...parts, port: 2 });
      let encoded = 0;
      const encode = (): Uint8Array => Uint8Array.of(++encoded);
      const news = { identity: one, incarnation: 1, hasMeta: false };
      expect(pool.announcement(id, news, encode)).toEqual(Uint8Array.of(1));
      expect(pool.announcement(id, { ...news }, encode)).toEqual(Uint8Array.of(1));
      expect(pool.announcement(id, { ...news, incarnation: 2 }, encode)).toEqual(Uint8Array.of(2));
      expect(pool.announcement(id, { ...news, identity: other }, encode)).toEqual(Uint8Array.of(3));
      expect(pool.announcement(id, { ...news, hasMeta: true }, encode)).toEqual(Uint8Array.of(4));
    });

    test('keeps an announcement without the buffer that it was cut from', () => {
      const pool = new MemberPool({ shared: true });
      const id = pool.acquire('node');
      const news = { identity: pool.identity(id, parts), incarnation: 1, hasMeta: false };
      const large = new Uint8Array(16_384);
      const bytes = pool.announcement(id, news, () => large.subarray(8, 16));
      expect(bytes).toEqual(new Uint8Array(8));
      expect(bytes.buffer.byteLength).toBe(8);
    });
  });

  test('encodes every time when it is not', () => {
    const pool = new MemberPool();
    const id = pool.acquire('node');
    const identity = pool.identity(id, {
      name: 'node',
      ip: Uint8Array.of(10, 0, 0, 1),
      port: 1,
      meta: undefined,
      versions: VERSIONS,
    });
    let encoded = 0;
    const encode = (): Uint8Array => Uint8Array.of(++encoded);
    const news = { identity, incarnation: 1, hasMeta: false };
    pool.announcement(id, news, encode);
    pool.announcement(id, news, encode);
    expect(encoded).toBe(2);
  });
});
