import { expect, test } from 'vitest';

import { Cleanup } from '../cleanup.ts';
import { HarnessError } from '../errors.ts';

test('disposal goes backwards and does not stop at a failure', async () => {
  const order: string[] = [];
  const cleanup = new Cleanup();
  cleanup.defer(async () => order.push('first'));
  cleanup.defer(async () => {
    throw new HarnessError('stuck');
  });
  cleanup.use({ [Symbol.asyncDispose]: async () => void order.push('last') });
  await expect(cleanup[Symbol.asyncDispose]()).rejects.toThrow('stuck');
  expect(order).toEqual(['last', 'first']);
});
