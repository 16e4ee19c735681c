import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dominates, paretoFront } from '../../src/advise/pareto.ts';

/** Few different values, so that ties and domination are common. */
const scores = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 });
const items = fc.array(fc.record({ scores }), { maxLength: 30 });

/** Domination as its definition has it. */
function beats(a: readonly number[], b: readonly number[]): boolean {
  const everywhere = a.every((score, index) => score <= (b[index] ?? Number.NaN));
  return everywhere && a.some((score, index) => score < (b[index] ?? Number.NaN));
}

describe('the Pareto front', () => {
  test('shows no item that another beats, and hides none that no other beats', () => {
    fc.assert(
      fc.property(items, (list) => {
        const front = new Set(paretoFront(list, (item) => item.scores));
        for (const item of list) {
          const beaten = list.some((other) => beats(other.scores, item.scores));
          expect(front.has(item)).toBe(!beaten);
        }
      }),
    );
  });

  test('is never empty where there are items, and keeps their order', () => {
    fc.assert(
      fc.property(items, (list) => {
        const front = paretoFront(list, (item) => item.scores);
        expect(front.length > 0).toBe(list.length > 0);
        expect(front).toEqual(list.filter((item) => front.includes(item)));
      }),
    );
  });

  test('keeps items that are equal in everything together', () => {
    const list = [
      [1, 2],
      [1, 2],
      [2, 2],
    ];
    expect(paretoFront(list, (item) => item)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(dominates([1, 2], [1, 2])).toBe(false);
  });
});
