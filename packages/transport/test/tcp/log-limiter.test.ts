import { expect, test } from 'vitest';
import { LogLimiter } from '../../src/tcp/log-limiter.ts';

test('a key is first once a period', () => {
  const limiter = new LogLimiter({ periodMs: 100, maxKeys: 10 });
  expect([0, 50, 99, 100, 199, 200].map((now) => limiter.first('a', now))).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
  expect(limiter.first('b', 50)).toBe(true);
});

test('only so many keys are remembered, the oldest is forgotten first', () => {
  const limiter = new LogLimiter({ periodMs: 1000, maxKeys: 2 });
  for (const key of ['a', 'b', 'c']) limiter.first(key, 0);
  expect(limiter.first('c', 1)).toBe(false);
  expect(limiter.first('a', 1)).toBe(true);
});
