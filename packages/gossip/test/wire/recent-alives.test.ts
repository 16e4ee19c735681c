import { type Alive, decodeMessage, encodeMessage } from '@ml/gossip/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecentAlives } from '../../src/wire/recent-alives.ts';

function alive(node: string, incarnation: number, meta?: Uint8Array): Alive {
  const addr = Uint8Array.of(10, 0, 0, 1);
  const versions = Uint8Array.of(1, 5, 2, 2, 5, 4);
  return { type: 'alive', node, incarnation, addr, port: 7946, meta, versions };
}

function keep(recent: RecentAlives, message: Alive): Uint8Array {
  const bytes = encodeMessage(message);
  recent.keep(bytes, 0, bytes.length, message);
  return bytes;
}

describe('alive messages that were read lately', () => {
  test('are found by their bytes, wherever those stand', () => {
    const recent = new RecentAlives();
    const message = alive('node-1', 7);
    const bytes = keep(recent, message);
    const elsewhere = Uint8Array.of(9, 9, 9, ...bytes, 9);
    expect(recent.find(elsewhere, 3, 3 + bytes.length)).toBe(message);
  });

  test('are not mistaken for any that differ in one byte, or in length', () => {
    const recent = new RecentAlives();
    const bytes = keep(recent, alive('node-1', 7));
    for (const [at] of bytes.entries()) {
      const other = bytes.slice();
      other[at] = (other[at] ?? 0) ^ 1;
      expect(recent.find(other, 0, other.length)).toBeUndefined();
    }
    expect(recent.find(bytes, 0, bytes.length - 1)).toBeUndefined();
    expect(recent.find(Uint8Array.of(...bytes, 0), 0, bytes.length + 1)).toBeUndefined();
  });

  test('do not change when the buffer that they were read from does', () => {
    const recent = new RecentAlives();
    const message = alive('node-1', 7);
    const bytes = keep(recent, message);
    const copy = bytes.slice();
    bytes.fill(0);
    expect(recent.find(copy, 0, copy.length)).toBe(message);
  });

  test('are as if they were read anew, whichever were kept before', () => {
    const recent = new RecentAlives();
    const one = fc.record({
      number: fc.integer({ min: 0, max: 20_000 }),
      incarnation: fc.integer({ min: 0, max: 3 }),
      meta: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 200 }), (list) => {
        for (const { number, incarnation, meta } of list) {
          const bytes = encodeMessage(alive(`node-${number}`, incarnation, meta));
          const read = decodeMessage(bytes);
          const found = recent.find(bytes, 0, bytes.length);
          if (found !== undefined) expect(found).toEqual(read);
          else if (read.type === 'alive') recent.keep(bytes, 0, bytes.length, read);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('of more than 128 bytes are read anew each time', () => {
    const recent = new RecentAlives();
    const bytes = keep(recent, alive('node-1', 7, new Uint8Array(200)));
    expect(recent.find(bytes, 0, bytes.length)).toBeUndefined();
  });
});
