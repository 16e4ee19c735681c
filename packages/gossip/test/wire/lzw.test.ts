import { lzwDecode, lzwEncode, WireError } from '@ml/gossip/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, inputOf, toHex, vectors } from '../vectors/load.ts';
import { noise } from './noise.ts';
import { rows } from './records.ts';

/** The LZW bytes inside a compress message of the vectors. */
function packedOf(hex: string): Uint8Array {
  const bytes = fromHex(hex);
  const tag = bytes[12] ?? 0;
  return bytes.subarray(12 + (tag === 0xda ? 3 : tag === 0xdb ? 5 : 1));
}

const limit = 1 << 26;

describe('lzwEncode', () => {
  it.each(rows(vectors('encode/compress/')))('writes the bytes of the reference: %s', (_, row) => {
    const payload = inputOf(row, 'payload');
    const plain =
      typeof payload === 'string' ? fromHex(payload) : Uint8Array.of(8, ...noise(20_000));
    expect(toHex(lzwEncode(plain))).toBe(toHex(packedOf(row.hex)));
    expect(Buffer.compare(lzwDecode(packedOf(row.hex), limit), plain)).toBe(0);
  });

  it('gives up when the output would exceed the limit, and not before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const full = lzwEncode(bytes);
        expect(lzwEncode(bytes, full.length)).toEqual(full);
        expect(lzwEncode(bytes, full.length - 1)).toBeUndefined();
      }),
    );
  });

  it('forgets one input before the next, also when it gave up', () => {
    const bytes = noise(5000, 3);
    const expected = toHex(lzwEncode(bytes));
    lzwEncode(noise(9000, 5));
    lzwEncode(noise(9000, 7), 100);
    expect(toHex(lzwEncode(bytes))).toBe(expected);
  });
});

describe('lzwDecode', () => {
  it('gives back any bytes', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.tuple(fc.nat(255), fc.nat(20_000)).map(([byte, n]) => new Uint8Array(n).fill(byte)),
      fc.nat(1000).map((seed) => noise(3000, seed)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const bytes = Uint8Array.from(Buffer.concat(pieces));
        expect(Buffer.compare(lzwDecode(lzwEncode(bytes), limit), bytes)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it.each([0, 1, 254, 255, 256, 767, 768, 1791, 1792, 3837, 3838, 3839, 3840, 7676, 7677])(
    'gives back %i bytes of noise, at every edge of the code table',
    (length) => {
      const bytes = noise(length);
      expect(lzwDecode(lzwEncode(bytes), limit)).toEqual(bytes);
    },
  );

  it('refuses every cut, and takes bytes after the end', () => {
    const packed = lzwEncode(noise(300));
    for (let end = 0; end < packed.length; end += 1) {
      expect(() => lzwDecode(packed.subarray(0, end), limit)).toThrow(WireError);
    }
    expect(lzwDecode(Uint8Array.of(...packed, 1, 2, 3), limit)).toEqual(noise(300));
  });

  it('needs no clear code at the start', () => {
    // 'a' and the end code, nine bits each.
    expect(lzwDecode(Uint8Array.of(0x61, 0x02, 0x02), limit)).toEqual(Uint8Array.of(0x61));
  });

  it('goes on with a full table until a clear code, as decoders must', () => {
    // Codes 'a' and then the newest string each time: the table fills and is never cleared.
    const codes = [97, ...Array.from({ length: 3837 }, (_, i) => 258 + i), 4095, 97, 257];
    const bits: number[] = [];
    let width = 9;
    let highest = 257;
    for (const code of codes) {
      for (let bit = 0; bit < width; bit += 1) bits.push((code >> bit) & 1);
      highest += 1;
      if (highest === 1 << width && width < 12) width += 1;
    }
    const packed = new Uint8Array(Math.ceil(bits.length / 8));
    for (const [i, bit] of bits.entries())
      packed[i >> 3] = (packed[i >> 3] ?? 0) | (bit << (i & 7));
    const out = lzwDecode(packed, limit);
    expect(out.every((byte) => byte === 97)).toBe(true);
    expect(out).toHaveLength((3839 * 3840) / 2 + 1);
  });

  it('stops a bomb at the limit', () => {
    const bomb = lzwEncode(new Uint8Array(1 << 22));
    expect(bomb.length).toBeLessThan(6000);
    expect(() => lzwDecode(bomb, (1 << 22) - 1)).toThrow(WireError);
    expect(lzwDecode(bomb, 1 << 22)).toHaveLength(1 << 22);
  });

  it('throws nothing but WireError and stays within the limit on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(lzwDecode(bytes, 1000).length).toBeLessThanOrEqual(1000);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
