import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTokenShared, replaceTokens } from '../../src/core/replace-tokens.ts';
import { buildTokenIndex } from '../../src/core/token-index.ts';
import { Tokens } from '../../src/core/tokens.ts';

/** Few different tokens, so that owners lose, get and share them. */
const tokens = fc
  .array(fc.integer({ min: 0, max: 25 }), { maxLength: 6 })
  .map((values) => Tokens.of(values));

test('an index with some tokens replaced is the index that is built anew', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(tokens, fc.boolean(), tokens), { minLength: 1, maxLength: 6 }),
      (owners) => {
        const before = owners.map(([old]) => old);
        const after = owners.map(([old, changes, now]) => (changes ? now : old));
        const replaced = replaceTokens(buildTokenIndex(before), before, after);
        expect(replaced).toEqual(buildTokenIndex(after));
      },
    ),
    { numRuns: 3000 },
  );
});

test('whether a token is shared is what the index built anew says', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(tokens, fc.boolean(), tokens), { minLength: 1, maxLength: 6 }),
      (owners) => {
        const before = owners.map(([old], i) => apart(old, i));
        const after = owners.map(([old, changes, now], i) => (changes ? now : apart(old, i)));
        const kept = after.map((set, i) =>
          set.equals(before[i] ?? set) ? (before[i] ?? set) : set,
        );
        const shared = isTokenShared(buildTokenIndex(before), before, kept);
        expect(shared).toBe(buildTokenIndex(kept).duplicates > 0);
      },
    ),
    { numRuns: 3000 },
  );
});

test('whether a token is shared is left open where much changed', () => {
  const before = Array.from({ length: 9 }, (_, i) => Tokens.of([i]));
  const after = before.map((_, i) => Tokens.of([i + 100]));
  expect(isTokenShared(buildTokenIndex(before), before, after)).toBeUndefined();
  const one = [Tokens.of(Array.from({ length: 65 }, (_, i) => i))];
  expect(isTokenShared(buildTokenIndex([Tokens.none]), [Tokens.none], one)).toBeUndefined();
});

/** The tokens of an owner that shares none. */
function apart(set: Tokens, owner: number): Tokens {
  return Tokens.of(Array.from(set, (token) => token * 6 + owner).filter((token) => token <= 25));
}

test('an index grows and shrinks at both ends', () => {
  const before = [Tokens.of([0, 0xffffffff]), Tokens.of([7])];
  const after = [Tokens.of([7]), Tokens.of([0, 0xffffffff])];
  const replaced = replaceTokens(buildTokenIndex(before), before, after);
  expect(Array.from(replaced.tokens)).toEqual([0, 7, 0xffffffff]);
  expect(Array.from(replaced.owners)).toEqual([1, 0, 1]);
});
