import { expect, test } from 'vitest';
import { takesGzip, wantsJson } from '../../src/http/negotiate.ts';

test.each([
  ['application/json', true],
  ['text/html, application/json;q=0.9', true],
  ['text/html', false],
  [undefined, false],
])('Accept %j asks for JSON: %j', (accept, expected) => {
  expect(wantsJson(accept)).toBe(expected);
});

test.each([
  ['gzip, deflate, br', true],
  ['GZIP;q=0.5', true],
  ['*', true],
  ['gzip;q=0', false],
  ['gzip;q=0, *', false],
  ['br', false],
  ['', false],
  [undefined, false],
])('Accept-Encoding %j takes gzip: %j', (header, expected) => {
  expect(takesGzip(header)).toBe(expected);
});
