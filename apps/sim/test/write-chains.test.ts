import { expect, test } from 'vitest';
import { NO_ITEM, WriteChains } from '../src/write-chains.ts';

test('two accepted writes that replaced the same state are one lost write', () => {
  const chains = new WriteChains();
  chains.accepted('a', 1, NO_ITEM);
  chains.accepted('a', 1, 10);
  chains.accepted('b', 1, 10);
  expect(chains.lost).toBe(0);
  chains.accepted('a', 1, 10);
  expect(chains.lost).toBe(1);
});

test('a node that starts anew begins anew', () => {
  const chains = new WriteChains();
  chains.accepted('a', 1, NO_ITEM);
  chains.accepted('a', 2, NO_ITEM);
  expect(chains.lost).toBe(0);
  chains.accepted('a', 2, NO_ITEM);
  expect(chains.lost).toBe(1);
});
