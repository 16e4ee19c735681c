import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../src/index.ts';

const MASK = 2n ** 64n - 1n;
const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (64n - k))) & MASK;

/** The published algorithms, written down as they are: splitmix64 fills the state, xoshiro256** makes the numbers. */
function* reference(seed: bigint): Generator<bigint, never> {
  let x = BigInt.asUintN(64, seed);
  const fill = (): bigint => {
    x = (x + 0x9e3779b97f4a7c15n) & MASK;
    let z = x;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return z ^ (z >> 31n);
  };
  let [s0, s1, s2, s3] = [fill(), fill(), fill(), fill()];
  for (;;) {
    yield (rotl((s1 * 5n) & MASK, 7n) * 9n) & MASK;
    const t = (s1 << 17n) & MASK;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= t;
    s3 = rotl(s3, 45n);
  }
}

function read64(bytes: Uint8Array, at: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true);
}

describe('seededRandom', () => {
  test('splitmix64 of the reference gives the published first output for seed 0', () => {
    // From the reference's own start: splitmix64 with seed 0 begins with e220a8397b1dcdaf.
    const x = 0x9e3779b97f4a7c15n;
    let z = ((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
    expect(z ^ (z >> 31n)).toBe(0xe220a8397b1dcdafn);
  });

  test('is xoshiro256** seeded by splitmix64, bit by bit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MASK }), (seed) => {
        const bytes = seededRandom(seed).bytes(8 * 50);
        const expected = reference(seed);
        for (let i = 0; i < 50; i++) expect(read64(bytes, 8 * i)).toBe(expected.next().value);
      }),
      { numRuns: 50 },
    );
  });

  test('a number and the bigint of the same value are one seed, negative ones too', () => {
    expect(seededRandom(-5).bytes(16)).toEqual(seededRandom(-5n).bytes(16));
    expect(seededRandom(2n ** 64n + 7n).bytes(16)).toEqual(seededRandom(7).bytes(16));
    expect(() => seededRandom(0.5)).toThrow(TypeError);
  });

  test('float lies in [0, 1) and is the top 53 bits', () => {
    const expected = reference(9n);
    const random = seededRandom(9);
    for (let i = 0; i < 1000; i++) {
      expect(random.float()).toBe(Number(expected.next().value >> 11n) / 2 ** 53);
    }
  });

  test('int stays below its bound, for any bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.bigInt(), (bound, seed) => {
        const random = seededRandom(seed);
        for (let i = 0; i < 20; i++) {
          const value = random.int(bound);
          expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
        }
      }),
    );
    for (const bound of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN]) {
      expect(() => seededRandom(1).int(bound)).toThrow(TypeError);
    }
  });

  test('int is uniform: a chi-square over 10 buckets stays below its 99.9 % bound', () => {
    const random = seededRandom(42);
    const counts = new Array<number>(10).fill(0);
    const draws = 100_000;
    for (let i = 0; i < draws; i++) {
      const bucket = random.int(10);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    const expected = draws / 10;
    const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi).toBeLessThan(27.88);
  });

  test('shuffle gives a permutation and leaves its input alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer(), { nil: undefined })),
        fc.bigInt(),
        (items, seed) => {
          const before = [...items];
          const shuffled = seededRandom(seed).shuffle(items);
          expect(items).toEqual(before);
          const order = (a: number | undefined, b: number | undefined): number =>
            Number(a ?? 0.5) - Number(b ?? 0.5);
          expect([...shuffled].sort(order)).toEqual([...items].sort(order));
        },
      ),
    );
  });

  test('shuffle brings each of the six orders of three about equally often', () => {
    const random = seededRandom(4);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  test('bytes of any length are a prefix of the longer stream', () => {
    const long = seededRandom(3).bytes(64);
    for (let length = 0; length <= 64; length++) {
      expect(seededRandom(3).bytes(length)).toEqual(long.slice(0, length));
    }
  });
});

describe('fork', () => {
  test('depends on the seed and the label, not on draws', () => {
    const one = seededRandom(1);
    const two = seededRandom(1);
    two.bytes(100);
    two.fork('other').float();
    expect(one.fork('a').bytes(32)).toEqual(two.fork('a').bytes(32));
    expect(one.bytes(8)).not.toEqual(two.bytes(8));
  });

  test('different labels, orders of labels and parents give different streams', () => {
    const root = seededRandom(1);
    const streams = [
      root,
      root.fork(''),
      root.fork('a'),
      root.fork('b'),
      root.fork('a').fork('b'),
      root.fork('b').fork('a'),
      root.fork('ab'),
      seededRandom(2).fork('a'),
    ].map((random) => String(random.bytes(16)));
    expect(new Set(streams).size).toBe(streams.length);
  });
});
