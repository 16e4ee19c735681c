import { expect, test } from 'vitest';
import { crossOriginReason } from '../../src/http/origin.ts';

const host = 'node.test:4040';

test.each([
  ['a client that is no browser', { host }],
  ['the same page', { host, 'sec-fetch-site': 'same-origin' }],
  ['the address line', { host, 'sec-fetch-site': 'none' }],
  ['an old browser on the same page', { host, origin: 'http://node.test:4040' }],
  ['the same page over TLS', { host, origin: 'https://NODE.test:4040' }],
])('%s may change the node', (_name, headers) => {
  expect(crossOriginReason(headers)).toBeUndefined();
});

test.each([
  ['another site', { host, 'sec-fetch-site': 'cross-site', origin: 'http://node.test:4040' }],
  ['another host of the site', { host, 'sec-fetch-site': 'same-site' }],
  ['an old browser elsewhere', { host, origin: 'http://evil.test' }],
  ['another port', { host, origin: 'http://node.test:4041' }],
  ['a sandboxed page', { host, origin: 'null' }],
  ['a header given twice', { host, 'sec-fetch-site': ['same-origin', 'none'] }],
])('%s may not', (_name, headers) => {
  expect(crossOriginReason(headers)).toMatch(/another origin|was sent by a page of/);
});
