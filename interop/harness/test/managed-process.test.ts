import { expect, test } from 'vitest';

import { flagArguments } from '../managed-process.ts';

test('flags become arguments, lists repeat, absent ones vanish', () => {
  expect(flagArguments({ a: 'x', b: 3, c: false, join: ['p:1', 'q:2'], none: undefined })).toEqual([
    '-a=x',
    '-b=3',
    '-c=false',
    '-join=p:1',
    '-join=q:2',
  ]);
});
