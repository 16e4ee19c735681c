import { expect, test } from 'vitest';
import { byteSize, clockTime, relative, rfc3339 } from '../../src/http/time.ts';

test('times are RFC 3339 in UTC, with milliseconds only when there are any', () => {
  expect(rfc3339(1_704_067_200_000)).toBe('2024-01-01T00:00:00Z');
  expect(rfc3339(1_704_067_200_120)).toBe('2024-01-01T00:00:00.120Z');
  expect(clockTime(1_704_067_200_120)).toBe('00:00:00.120 UTC');
});

test.each([
  [0, 'just now'],
  [1, '1s ago'],
  [184, '3m4s ago'],
  [7200, '2h0m ago'],
  [200_000, '2d7h ago'],
  [-5, 'in 5s'],
])('%d seconds back reads %j', (seconds, text) => {
  expect(relative(1_000_000_000, 1_000_000_000 + seconds * 1000)).toBe(text);
});

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [3 * 1024 ** 2, '3.0 MiB'],
  [5 * 1024 ** 4, '5120.0 GiB'],
])('%d bytes read %j', (bytes, text) => {
  expect(byteSize(bytes)).toBe(text);
});
