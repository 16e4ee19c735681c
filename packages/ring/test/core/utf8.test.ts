import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareUtf8, decodeUtf8, encodeUtf8, wellFormed } from '../../src/core/utf8.ts';

const text = fc.string({ unit: 'binary' });

describe('text', () => {
  test('is encoded as the platform encodes it', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(Buffer.from(encodeUtf8(value))).toEqual(Buffer.from(value));
      }),
    );
  });

  test('any bytes survive being read as text', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(encodeUtf8(decodeUtf8(bytes, 0, bytes.length))).toEqual(bytes);
      }),
    );
  });

  test('is ordered by its bytes', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
        expect(Math.sign(compareUtf8(a, b))).toBe(expected);
      }),
    );
  });

  test('of invalid bytes is shown with replacement characters', () => {
    expect(wellFormed(decodeUtf8(Uint8Array.from([0x61, 0xff, 0x62]), 0, 3))).toBe('a\ufffdb');
    expect(wellFormed('😀')).toBe('😀');
  });
});
