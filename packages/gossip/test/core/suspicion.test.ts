import { expect, test } from 'vitest';
import { Suspicion } from '../../src/core/suspicion.ts';

const PLAN = { confirmations: 3, minMs: 2000, maxMs: 30_000 };

test('the deadline moves closer with each new accuser, counted from the start', () => {
  const suspicion = new Suspicion(PLAN, 'me', 1000);
  expect(suspicion.deadline).toBe(31_000);
  expect(suspicion.confirm('first')).toBe(true);
  expect(suspicion.deadline).toBe(17_000);
  expect(suspicion.confirm('second')).toBe(true);
  expect(suspicion.confirm('third')).toBe(true);
  expect(suspicion.deadline).toBe(3000);
});

test('the first accuser, and one who spoke before, confirm nothing', () => {
  const suspicion = new Suspicion(PLAN, 'me', 0);
  expect(suspicion.confirm('me')).toBe(false);
  expect(suspicion.confirm('other')).toBe(true);
  expect(suspicion.confirm('other')).toBe(false);
  expect(suspicion.confirmations).toBe(1);
});

test('more accusers than wanted are not even remembered', () => {
  const suspicion = new Suspicion(PLAN, 'me', 0);
  for (const name of ['a', 'b', 'c']) suspicion.confirm(name);
  expect(suspicion.confirm('d')).toBe(false);
  expect(suspicion.confirmations).toBe(3);
});

test('without confirmations to wait for, the shortest time counts from the start', () => {
  expect(new Suspicion({ ...PLAN, confirmations: 0 }, 'me', 500).deadline).toBe(2500);
});
