import { createHash } from 'node:crypto';
import { seededRandom } from '@ml/runtime';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  GoRand,
  goRandAdditiveTable,
  shuffleShardRand,
  shuffleShardSeed,
  warmUpGoRand,
} from '../../src/core/go-rand.ts';
import { hashOf, requestVectors } from '../support/request-vectors.ts';

const { sources, pyroscopeSegmentWriterSteps, randomTokenGenerator } = requestVectors.goRand;

function draw(count: number, next: () => number): readonly number[] {
  return Array.from({ length: count }, next);
}

describe('the additive table', () => {
  test('is derived to be the one in Go', () => {
    warmUpGoRand();
    const { low, high } = goRandAdditiveTable();
    const bytes = new Uint8Array(low.length * 8);
    const view = new DataView(bytes.buffer);
    for (const [i, value] of low.entries()) {
      view.setInt32(8 * i, value, true);
      view.setInt32(8 * i + 4, high[i] ?? 0, true);
    }
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      '1928503b93a563e491119a5889baba73d1605b90b63634c14a408805797a7c7b',
    );
  });
});

describe('a stream', () => {
  test.each(sources)('of seed $seed is that of Go', (vector) => {
    const seed = BigInt(vector.seed);
    const numbers = GoRand.of(seed);
    expect(draw(vector.uint32.length, () => numbers.uint32())).toEqual(vector.uint32);
    for (let i = vector.uint32.length; i < 1999; i++) numbers.uint32();
    expect(numbers.uint32()).toBe(vector.uint32_2000th);
    const words = GoRand.of(seed);
    expect(vector.uint64.map(() => String(words.uint64()))).toEqual(vector.uint64);
    const bounded = GoRand.of(seed);
    expect(vector.intn_1_to_20.map((_, i) => bounded.intn(i + 1))).toEqual(vector.intn_1_to_20);
  });

  test('of 4096 draws with growing bounds is that of Go', () => {
    const { seed, first32, sha256 } = pyroscopeSegmentWriterSteps;
    const random = GoRand.of(BigInt(seed));
    const steps = Array.from({ length: 4096 }, (_, i) => random.intn(i + 1));
    expect(steps.slice(0, 32)).toEqual(first32);
    expect(hashOf(steps)).toBe(sha256);
  });

  test.each(randomTokenGenerator)('gives $count tokens of seed $seed as Go does', (vector) => {
    const random = GoRand.of(BigInt(vector.seed));
    const taken = new Set(vector.taken);
    const tokens = new Set<number>();
    while (tokens.size < vector.count) {
      const token = random.uint32();
      if (!taken.has(token)) tokens.add(token);
    }
    expect([...tokens].sort((a, b) => a - b)).toEqual(vector.tokens);
  });

  test('does not depend on where it goes over from seed words to its register', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 20; i++) {
      const [high, low] = [random.int(2 ** 32) | 0, random.int(2 ** 32)];
      const whole = GoRand.ofHalves(high, low);
      const all = draw(1500, () => whole.uint32());
      // x(n) = x(n-607) + x(n-273), of which uint32 shows the bits from 31 up: the carry from below may be missing.
      for (let n = 607; n < all.length; n++) {
        const sum = ((all[n - 607] ?? 0) + (all[n - 273] ?? 0)) % 2 ** 32;
        const off = ((all[n] ?? 0) - sum + 2 ** 32) % 2 ** 32;
        expect(off === 0 || off === 1).toBe(true);
      }
    }
  });

  test('of a bound outside 1 to 2^31 - 1 is a programming error', () => {
    for (const bound of [0, -1, 1.5, 2 ** 31]) {
      expect(() => GoRand.of(1n).intn(bound)).toThrow(TypeError);
    }
  });

  test('of an int64 is the same from its halves', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (seed) => {
        const high = Number(seed >> 32n);
        const low = Number(seed & 0xffffffffn);
        return GoRand.of(seed).uint32() === GoRand.ofHalves(high, low).uint32();
      }),
    );
  });
});

describe('the seed of a shuffle shard', () => {
  test.each(requestVectors.seeds)('of $identifier in zone "$zone" is that of dskit', (vector) => {
    const { identifier, zone } = vector;
    expect(String(shuffleShardSeed(identifier, zone))).toBe(vector.seed);
    const random = shuffleShardRand(identifier, zone);
    expect(draw(vector.uint32.length, () => random.uint32())).toEqual(vector.uint32);
  });
});
