import { hashOfRange } from '@ml/runtime';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IdIndex } from '../../src/core/id-index.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Where the index finds the id, in the middle of other bytes. */
function find(index: IdIndex, id: string): number {
  const bytes = bytesOf(`<${id}>`);
  return index.find(bytes, 1, bytes.length - 1);
}

describe('ids by their bytes', () => {
  const ids = fc.uniqueArray(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), {
    maxLength: 60,
  });

  test('are found where they stand, or not at all when they are not ASCII', () => {
    fc.assert(
      fc.property(ids, ids, (held, others) => {
        const index = new IdIndex(held);
        for (const [position, id] of held.entries()) {
          const isAscii = bytesOf(id).every((byte) => byte < 0x80);
          expect(find(index, id)).toBe(isAscii ? position : -1);
        }
        for (const id of others) if (!held.includes(id)) expect(find(index, id)).toBe(-1);
      }),
    );
  });

  test('that end alike are found as others are', () => {
    const alike = Array.from({ length: 100 }, (_, i) => `node-${i}.of-the-same.example`);
    const index = new IdIndex(alike);
    expect(alike.map((id) => find(index, id))).toEqual([...alike.keys()]);
  });

  test('that look alike to the hash in crowds are found or left to be looked for otherwise', () => {
    const hashOf = (id: string): number => hashOfRange(bytesOf(id), 0, id.length) & 0xff;
    const names = Array.from({ length: 100_000 }, (_, i) => `node-${i}`);
    const alike = names.filter((id) => hashOf(id) === hashOf('node-0')).slice(0, 100);
    const index = new IdIndex(alike);
    const found = alike.map((id) => find(index, id));
    expect(found.filter((position) => position >= 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (const [i, position] of found.entries()) expect([i, -1]).toContain(position);
  });
});
