import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replaceTokens } from '../../src/core/replace-tokens.ts';
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

test('an index grows and shrinks at both ends', () => {
  const before = [Tokens.of([0, 0xffffffff]), Tokens.of([7])];
  const after = [Tokens.of([7]), Tokens.of([0, 0xffffffff])];
  const replaced = replaceTokens(buildTokenIndex(before), before, after);
  expect(Array.from(replaced.tokens)).toEqual([0, 7, 0xffffffff]);
  expect(Array.from(replaced.owners)).toEqual([1, 0, 1]);
});
