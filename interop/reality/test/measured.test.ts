import { expect, test } from 'vitest';

import { samplesOf } from '../measured.ts';

test('a value stands for all that its writer wrote before, and what nobody saw counts as endless', () => {
  const { propagation, lateness, unseen } = samplesOf([
    {
      name: 'a',
      planned: [
        { sequence: 1, atMs: 10 },
        { sequence: 2, atMs: 20 },
        { sequence: 4, atMs: 40 },
      ],
      writes: [
        { sequence: 1, calledAtMs: 11, returnedAtMs: 12 },
        { sequence: 2, calledAtMs: 20, returnedAtMs: 22 },
        { sequence: 4, calledAtMs: 40, returnedAtMs: 41 },
      ],
      // A node sees its own writes too; they do not count.
      seen: [
        { writer: 'a', sequence: 1, atMs: 12 },
        { writer: 'b', sequence: 3, atMs: 90 },
      ],
    },
    {
      name: 'b',
      planned: [{ sequence: 3, atMs: 30 }],
      writes: [{ sequence: 3, calledAtMs: 33, returnedAtMs: 35 }],
      seen: [{ writer: 'a', sequence: 2, atMs: 52 }],
    },
  ]);
  const one = (value: number) => [{ value, count: 1 }];
  expect(propagation).toEqual([one(40), one(30), one(Number.POSITIVE_INFINITY), one(55)]);
  expect(lateness.map(({ value }) => value)).toEqual([1, 0, 0, 3]);
  expect(unseen).toBe(1);
});
