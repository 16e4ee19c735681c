import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Tokens } from '../../src/core/tokens.ts';

const tokens = fc.array(fc.integer({ min: 0, max: 0xffffffff }));

function packed(set: Tokens): Uint8Array {
  const bytes = new Uint8Array(set.packedLength);
  expect(set.writePacked(bytes, 0)).toBe(bytes.length);
  return bytes;
}

describe('tokens', () => {
  test('are sorted, each once', () => {
    expect(Array.from(Tokens.of([3, 1, 3, 0xffffffff, 0]))).toEqual([0, 1, 3, 0xffffffff]);
  });

  test.each([-1, 1.5, 4294967296, Number.NaN])('%d is no token', (value) => {
    expect(() => Tokens.of([value])).toThrow(TypeError);
  });

  test('agree with a set', () => {
    fc.assert(
      fc.property(tokens, tokens, (some, more) => {
        const set = Tokens.of(some);
        expect(Array.from(set)).toEqual([...new Set(some)].sort((a, b) => a - b));
        expect(set.with(more).equals(Tokens.of([...some, ...more]))).toBe(true);
        const fewer = new Set(some.filter((token) => !more.includes(token)));
        expect(set.without(new Set(more)).equals(Tokens.of(fewer))).toBe(true);
        for (const token of more) expect(set.has(token)).toBe(some.includes(token));
      }),
    );
  });

  test('read from packed bytes are the same set, and written again as they came', () => {
    fc.assert(
      fc.property(tokens, (values) => {
        const bytes = packed(Tokens.of(values));
        const read = Tokens.packed(bytes, 0, bytes.length);
        expect(packed(read)).toEqual(bytes);
        expect(read.equals(Tokens.of(values))).toBe(true);
        expect(Tokens.of(values).equals(read)).toBe(true);
        expect(packed(read.canonical())).toEqual(bytes);
      }),
    );
  });

  test.each([
    { name: 'out of order', bytes: [9, 3, 3], values: [3, 9], canonical: [3, 9] },
    { name: 'longer than needed', bytes: [0x81, 0x00], values: [1], canonical: [1] },
    { name: 'beyond 32 bits', bytes: [0x81, 0x80, 0x80, 0x80, 0x10], values: [1], canonical: [1] },
  ])('$name are normalised when they are kept', ({ bytes, values, canonical }) => {
    const read = Tokens.packed(Uint8Array.from(bytes), 0, bytes.length);
    expect(Array.from(read)).toEqual(values);
    expect(Array.from(packed(read))).toEqual(bytes);
    expect(Array.from(packed(read.canonical()))).toEqual(canonical);
  });

  test('kept ones do not hold on to a large message', () => {
    const message = new Uint8Array(10_000).fill(1);
    const kept = Tokens.packed(message, 500, 501).canonical();
    message.fill(2);
    expect(Array.from(packed(kept))).toEqual([1]);
  });
});
