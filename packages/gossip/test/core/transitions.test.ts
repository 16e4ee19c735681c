import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge, type MemberView, type Verdict } from '../../src/core/transitions.ts';

const ALIVE_TYPE = 'alive' as const;

type Row = readonly [state: MemberView['state'], incarnation: number, verdict: Verdict];

const ALIVE: readonly Row[] = [
  ['alive', 4, 'stale'],
  ['alive', 5, 'stale'],
  ['alive', 6, 'replace'],
  ['suspect', 5, 'stale'],
  ['suspect', 6, 'replace'],
  ['dead', 5, 'stale'],
  ['dead', 6, 'replace'],
  ['left', 5, 'stale'],
  ['left', 6, 'replace'],
];
const SUSPECT: readonly Row[] = [
  ['alive', 4, 'stale'],
  ['alive', 5, 'replace'],
  ['alive', 6, 'replace'],
  ['suspect', 4, 'stale'],
  ['suspect', 5, 'confirm'],
  ['suspect', 6, 'confirm'],
  ['dead', 6, 'stale'],
  ['left', 6, 'stale'],
];
const DEAD: readonly Row[] = [
  ['alive', 4, 'stale'],
  ['alive', 5, 'replace'],
  ['suspect', 4, 'stale'],
  ['suspect', 5, 'replace'],
  ['dead', 6, 'stale'],
  ['left', 6, 'stale'],
];

describe('precedence over a record of incarnation 5', () => {
  test.each(ALIVE)('%s: an alive of %i is %s', (state, incarnation, verdict) => {
    const claim = { type: 'alive', incarnation, moved: 'no' } as const;
    expect(judge({ state, incarnation: 5 }, claim)).toBe(verdict);
  });

  test.each(SUSPECT)('%s: a suspect of %i is %s', (state, incarnation, verdict) => {
    expect(judge({ state, incarnation: 5 }, { type: 'suspect', incarnation })).toBe(verdict);
  });

  test.each(DEAD)('%s: a dead of %i is %s', (state, incarnation, verdict) => {
    expect(judge({ state, incarnation: 5 }, { type: 'dead', incarnation })).toBe(verdict);
  });

  test('from a new address it is a conflict, or takes the name over whatever its incarnation', () => {
    const member = { state: 'left', incarnation: 5 } as const;
    const claim = { type: 'alive', incarnation: 1 } as const;
    expect(judge(member, { ...claim, moved: 'conflict' })).toBe('conflict');
    expect(judge(member, { ...claim, moved: 'reclaim' })).toBe('replace');
  });
});

/** Signs of life of distinct incarnations and one accusation of yet another, in two orders. */
const oneAccusation = fc
  .uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 })
  .chain((incarnations) =>
    fc.tuple(fc.constant(incarnations), fc.constantFrom('suspect' as const, 'dead' as const)),
  )
  .map(([incarnations, type]) =>
    incarnations.map((incarnation, i) => ({ incarnation, type: i === 0 ? type : ALIVE_TYPE })),
  )
  .chain((claims) => {
    const all = { minLength: claims.length, maxLength: claims.length };
    return fc.tuple(fc.constant(claims), fc.shuffledSubarray(claims, all));
  });

test('signs of life and one accusation, of distinct incarnations, lead to one end in whatever order they come', () => {
  fc.assert(
    fc.property(oneAccusation, ([one, other]) => {
      const [top] = [...one].sort((a, b) => b.incarnation - a.incarnation);
      const end = { state: top?.type, incarnation: top?.incarnation };
      expect(settle(one)).toEqual(end);
      expect(settle(other)).toEqual(end);
    }),
  );
});

test('a sign of life that is newer than all accusations wins in whatever order they come', () => {
  const accusations = fc.array(
    fc.record({
      type: fc.constantFrom('suspect' as const, 'dead' as const, 'alive' as const),
      incarnation: fc.integer({ min: 1, max: 50 }),
    }),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(accusations, fc.nat(), (claims, place) => {
      const refutation = { type: 'alive', incarnation: 51 } as const;
      const at = place % (claims.length + 1);
      const order = [...claims.slice(0, at), refutation, ...claims.slice(at)];
      expect(settle(order)).toEqual({ state: 'alive', incarnation: 51 });
    }),
  );
});

test('two accusations need not: a confirmation does not raise the incarnation (as in the reference)', () => {
  const alive = { type: 'alive', incarnation: 2 } as const;
  const low = { type: 'suspect', incarnation: 1 } as const;
  const high = { type: 'suspect', incarnation: 3 } as const;
  expect(settle([high, alive, low]).state).toBe('suspect');
  expect(settle([low, high, alive]).state).toBe('alive');
});

/** The record after all claims, taken in this order. */
function settle(
  claims: readonly { readonly type: 'alive' | 'suspect' | 'dead'; readonly incarnation: number }[],
): MemberView {
  let member: MemberView = { state: 'alive', incarnation: 0 };
  for (const { type, incarnation } of claims) {
    const verdict = judge(
      member,
      type === 'alive' ? { type, incarnation, moved: 'no' } : { type, incarnation },
    );
    if (verdict === 'replace') member = { state: type, incarnation };
  }
  return member;
}
