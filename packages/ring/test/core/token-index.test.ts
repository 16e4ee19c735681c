import { seededRandom } from '@ml/runtime';
import { describe, expect, test } from 'vitest';
import { beginTokenIndex, buildTokenIndex } from '../../src/core/token-index.ts';
import { Tokens } from '../../src/core/tokens.ts';

/** Sets of distinct tokens: every number of a range once, dealt out by chance. */
function dealt(owners: number, each: number): readonly Tokens[] {
  const all = Array.from({ length: owners * each }, (_, i) => Math.imul(i, 2_654_435_761) >>> 0);
  const shuffled = seededRandom(3).shuffle(all);
  return Array.from({ length: owners }, (_, i) =>
    Tokens.of(shuffled.slice(i * each, (i + 1) * each)),
  );
}

describe.each([
  ['few tokens', 4, 100],
  ['many tokens', 160, 512],
])('half an index of %s', (_name, owners, each) => {
  const tokens = dealt(owners, each);

  test('becomes the whole one', () => {
    const half = beginTokenIndex(tokens);
    expect(half.sharesTokens).toBe(false);
    expect(half.finish()).toEqual(buildTokenIndex(tokens));
  });

  test('tells when a single token is held twice', () => {
    const [first] = tokens.at(-1)?.values ?? [];
    const shared = [tokens[0]?.with([first ?? 0]) ?? Tokens.none, ...tokens.slice(1)];
    const half = beginTokenIndex(shared);
    expect(half.sharesTokens).toBe(true);
    expect(half.finish()).toEqual(buildTokenIndex(shared));
  });
});
