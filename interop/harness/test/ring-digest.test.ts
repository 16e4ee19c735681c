import { expect, test } from 'vitest';

import { canonicalRing, type RingInstance, ringDigest } from '../ring-digest.ts';

function instance(id: string, tokens: readonly number[]): RingInstance {
  return {
    tokens,
    id,
    addr: '127.0.0.1:1',
    timestamp: 7,
    state: 'ACTIVE',
    zone: '',
    registeredTimestamp: 0,
    readOnlyUpdatedTimestamp: 0,
    readOnly: false,
  };
}

test('the order of instances, tokens and fields does not change the text', () => {
  const ring = [instance('b', [3, 1]), instance('a', [4294967295, 2])];
  expect(canonicalRing(ring)).toBe(
    '{"instances":[{"id":"a","addr":"127.0.0.1:1","timestamp":7,"state":"ACTIVE","tokens":[2,4294967295],"zone":"","registeredTimestamp":0,"readOnlyUpdatedTimestamp":0,"readOnly":false},' +
      '{"id":"b","addr":"127.0.0.1:1","timestamp":7,"state":"ACTIVE","tokens":[1,3],"zone":"","registeredTimestamp":0,"readOnlyUpdatedTimestamp":0,"readOnly":false}]}',
  );
  expect(ringDigest([...ring].reverse())).toBe(ringDigest(ring));
});

test('any changed field changes the digest', () => {
  const base = instance('a', [1]);
  const digests = [
    base,
    { ...base, timestamp: 8 },
    { ...base, zone: 'z' },
    { ...base, readOnly: true },
    instance('a', [2]),
  ].map((i) => ringDigest([i]));
  expect(new Set(digests).size).toBe(digests.length);
});
