import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOfRange, isAsciiOf } from '../src/index.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a text in the middle of bytes', () => {
  const texts = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));

  test('is recognised when it is ASCII and stands there whole', () => {
    fc.assert(
      fc.property(texts, texts, (text, other) => {
        const bytes = bytesOf(`<${text}>`);
        const isAscii = bytes.every((byte) => byte < 0x80);
        expect(isAsciiOf(text, bytes, 1, bytes.length - 1)).toBe(isAscii);
        expect(isAsciiOf(other, bytes, 1, bytes.length - 1)).toBe(isAscii && other === text);
      }),
    );
  });

  test('has the same hash wherever it stands, and another one when any of its bytes is another', () => {
    const long = 'a-name-that-is-long.example';
    const hash = hashOfRange(bytesOf(long), 0, long.length);
    expect(hashOfRange(bytesOf(`<${long}>`), 1, 1 + long.length)).toBe(hash);
    for (let i = 0; i < long.length; i++) {
      const other = `${long.slice(0, i)}_${long.slice(i + 1)}`;
      expect(hashOfRange(bytesOf(other), 0, other.length)).not.toBe(hash);
    }
  });
});
