import { expect, test } from 'vitest';
import { RateLimiter } from '../../src/core/rate-limiter.ts';

test('a source may do so much at once, and so much per second after that', () => {
  const limiter = new RateLimiter({ perS: 2, burst: 3 });
  const taken = (now: number, source: string): number => {
    let count = 0;
    while (limiter.take(now, source)) count += 1;
    return count;
  };
  expect(taken(0, 'a')).toBe(3);
  expect(taken(0, 'b')).toBe(3);
  expect(limiter.waitMs(0, 'a')).toBe(500);
  expect(taken(499, 'a')).toBe(0);
  expect(taken(500, 'a')).toBe(1);
  expect(taken(100_000, 'a')).toBe(3);
});

test('the source seen longest ago is forgotten first', () => {
  const limiter = new RateLimiter({ perS: 1, burst: 1 });
  expect(limiter.take(0, 'first')).toBe(true);
  expect(limiter.take(0, 'first')).toBe(false);
  for (let i = 0; i < 1024; i++) limiter.take(0, `source-${i}`);
  expect(limiter.take(0, 'first')).toBe(true);
  expect(limiter.take(0, 'source-1023')).toBe(false);
});
