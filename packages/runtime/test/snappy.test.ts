import { SnappyError, snappyDecode, snappyEncode } from '@ml/runtime/snappy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const limit = { maxBytes: 1 << 24 };

/** Bytes without repeats to speak of. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = 1;
  for (let i = 0; i < length; i += 1) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
}

describe('snappyDecode', () => {
  it.each([
    ['nothing', [0], ''],
    ['a literal', [3, 0x08, 0x61, 0x62, 0x63], 'abc'],
    ['a literal with a one-byte length', [3, 0xf0, 2, 0x61, 0x62, 0x63], 'abc'],
    ['a literal with a four-byte length', [3, 0xfc, 2, 0, 0, 0, 0x61, 0x62, 0x63], 'abc'],
    ['a copy with a one-byte offset', [7, 0x08, 0x61, 0x62, 0x63, 0x01, 3], 'abcabca'],
    ['a copy with a two-byte offset', [5, 0x08, 0x61, 0x62, 0x63, 0x06, 3, 0], 'abcab'],
    ['a copy with a four-byte offset', [5, 0x08, 0x61, 0x62, 0x63, 0x07, 3, 0, 0, 0], 'abcab'],
    ['a run by an overlapping copy', [11, 0x00, 0x61, 0x19, 1], 'aaaaaaaaaaa'],
  ])('reads %s', (_, block, text) => {
    expect(snappyDecode(Uint8Array.from(block), limit)).toEqual(bytesOf(text));
  });

  it.each([
    ['no byte at all', []],
    ['a length that never ends', [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['a length over 32 bits', [0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['a literal longer than the input', [3, 0x08, 0x61]],
    ['a literal whose length is cut', [3, 0xf4, 2]],
    ['a copy whose offset is cut', [7, 0x08, 0x61, 0x62, 0x63, 0x02, 3]],
    ['a short copy without its offset', [7, 0x08, 0x61, 0x62, 0x63, 0x01]],
    ['a copy with offset 0', [7, 0x08, 0x61, 0x62, 0x63, 0x01, 0]],
    ['a copy from before the start', [7, 0x08, 0x61, 0x62, 0x63, 0x01, 4]],
    ['more than announced by a literal', [2, 0x08, 0x61, 0x62, 0x63]],
    ['more than announced by a copy', [4, 0x08, 0x61, 0x62, 0x63, 0x01, 3]],
    ['less than announced', [4, 0x08, 0x61, 0x62, 0x63]],
    ['far more announced than the input can hold', [0xff, 0xff, 0xff, 0x03, 0x00, 0x61]],
  ])('refuses %s', (_, block) => {
    expect(() => snappyDecode(Uint8Array.from(block), limit)).toThrow(SnappyError);
  });

  it('refuses a block that decodes to more than the limit, and takes one that just fits', () => {
    const block = snappyEncode(new Uint8Array(1000));
    expect(() => snappyDecode(block, { maxBytes: 999 })).toThrow(SnappyError);
    expect(snappyDecode(block, { maxBytes: 1000 })).toHaveLength(1000);
  });

  it('throws nothing but SnappyError on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          expect(snappyDecode(bytes, { maxBytes: 4096 }).length).toBeLessThanOrEqual(4096);
        } catch (error) {
          expect(error).toBeInstanceOf(SnappyError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('throws nothing but SnappyError on damaged blocks and every cut of one', () => {
    const block = snappyEncode(bytesOf('abcabcabcabc0123456789'.repeat(20)));
    for (let end = 0; end < block.length; end += 1) {
      expect(() => snappyDecode(block.subarray(0, end), limit)).toThrow(SnappyError);
    }
    for (let at = 0; at < block.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const damaged = block.slice();
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        try {
          snappyDecode(damaged, limit);
        } catch (error) {
          expect(error).toBeInstanceOf(SnappyError);
        }
      }
    }
  });
});

describe('snappyEncode', () => {
  it('gives back any bytes through snappyDecode', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.tuple(fc.nat(255), fc.nat(3000)).map(([byte, count]) => new Uint8Array(count).fill(byte)),
      fc.constantFrom(bytesOf('token'), bytesOf('ingester-zone-a-0')),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const bytes = Uint8Array.from(Buffer.concat(pieces));
        expect(snappyDecode(snappyEncode(bytes), limit)).toEqual(bytes);
      }),
    );
  });

  it.each([
    0, 1, 16, 17, 59, 60, 61, 255, 256, 257, 16_383, 16_384, 65_535, 65_536, 65_537, 200_000,
  ])('gives back %i bytes of noise and of text', (length) => {
    const random = noise(length);
    const text = bytesOf('the quick brown fox. '.repeat(length / 21 + 1)).subarray(0, length);
    expect(Buffer.compare(snappyDecode(snappyEncode(random), limit), random)).toBe(0);
    expect(Buffer.compare(snappyDecode(snappyEncode(text), limit), text)).toBe(0);
  });

  it('shrinks what repeats, and adds little to what does not', () => {
    expect(snappyEncode(bytesOf('ingester'.repeat(5000))).length).toBeLessThan(3000);
    expect(snappyEncode(noise(1 << 20)).length).toBeLessThan((1 << 20) + 64);
  });
});
