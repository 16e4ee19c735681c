import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { areDistinct, finishSort, partRuns, sortRuns } from '../../src/core/token-sort.ts';

/** Pairs of token and owner in order, as the engine sorts them. */
function plainly(runs: readonly Uint32Array[]): readonly (readonly [number, number])[] {
  return runs
    .flatMap((run, owner) => Array.from(run, (token) => [token, owner] as const))
    .sort(([a, ofA], [b, ofB]) => a - b || ofA - ofB);
}

function sorted(runs: readonly Uint32Array[]): readonly (readonly [number, number])[] {
  const { tokens, owners } = sortRuns(runs);
  return Array.from(tokens, (token, i) => [token, owners[i] ?? Number.NaN]);
}

const tokensNear = (bits: number) =>
  fc
    .uniqueArray(fc.integer({ min: 0, max: 2 ** bits - 1 }), { maxLength: 300 })
    .map((list) => Uint32Array.from(list).sort());

describe('tokens of many owners', () => {
  test.each([32, 24, 16, 9])('come in order where they have %i bits', (bits) => {
    fc.assert(
      fc.property(fc.array(tokensNear(bits), { maxLength: 12 }), (runs) => {
        expect(sorted(runs)).toEqual(plainly(runs));
      }),
      { numRuns: 60 },
    );
  });

  test('come in order where all lie together', () => {
    const runs = Array.from({ length: 40 }, (_, owner) =>
      Uint32Array.from({ length: 500 }, (__, i) => 0xffff_0000 + owner + i),
    );
    expect(sorted(runs)).toEqual(plainly(runs));
  });

  test.each([32, 24, 9])('of %i bits are never called distinct when two are equal', (bits) => {
    fc.assert(
      fc.property(fc.array(tokensNear(bits), { maxLength: 12 }), (runs) => {
        const parts = partRuns(runs);
        const all = runs.flatMap((run) => Array.from(run));
        const distinct = new Set(all).size === all.length;
        expect(areDistinct(parts)).toBe(distinct ? true : undefined);
        expect(finishSort(parts)).toEqual(sortRuns(runs));
      }),
      { numRuns: 60 },
    );
  });

  test('too many for a look at each slot are left to sorting', () => {
    const crowded = Uint32Array.from({ length: 20_000 }, (_, i) => i);
    expect(areDistinct(partRuns([crowded]))).toBeUndefined();
  });
});
