import { seededRandom } from '@ml/runtime';
import { describe, expect, test } from 'vitest';

import { Distribution } from '../distribution.ts';

const one = (...values: readonly number[]) => values.map((value) => ({ value, count: 1 }));

describe('a distribution', () => {
  test('has the quantiles of all its batches together', () => {
    const distribution = new Distribution([one(4, 1), one(3, 2)]);
    expect(distribution.count).toBe(4);
    expect([0, 0.25, 0.5, 0.51, 1].map((q) => distribution.quantile(q))).toEqual([1, 1, 2, 3, 4]);
  });

  test('counts a weighted value as often as it occurred', () => {
    const distribution = new Distribution([[{ value: 7, count: 98 }], one(1, 9)]);
    expect(distribution.quantile(0.01)).toBe(1);
    expect(distribution.quantile(0.02)).toBe(7);
    expect(distribution.quantile(0.99)).toBe(7);
    expect(distribution.quantile(1)).toBe(9);
    expect(distribution.cumulative()).toEqual([
      [1, 0.01],
      [7, 0.99],
      [9, 1],
    ]);
  });

  test('without values has no quantiles', () => {
    expect(new Distribution([]).quantile(0.5)).toBeNaN();
  });

  test('is surer of a quantile the more batches there are, not the more values a batch has', () => {
    const random = seededRandom(1);
    const drawn = Array.from({ length: 2000 }, () => random.float());
    const intervalOf = (batches: number, size: number) => {
      const repeated = drawn.slice(0, batches).map((value) => [{ value, count: size }]);
      return new Distribution(repeated).interval(0.5, seededRandom(2));
    };
    const few = intervalOf(20, 1);
    const many = intervalOf(2000, 1);
    expect(intervalOf(20, 100)).toEqual(few);
    expect(many.low).toBeLessThan(many.high);
    expect(many.high - many.low).toBeLessThan((few.high - few.low) / 3);
  });
});
