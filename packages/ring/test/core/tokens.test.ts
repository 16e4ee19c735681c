import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenUnpacker, unpackSet } from '../../src/core/token-unpacker.ts';
import { Tokens } from '../../src/core/tokens.ts';

const tokens = fc.array(fc.integer({ min: 0, max: 0xffffffff }));

function unpack(bytes: Uint8Array): Tokens {
  return unpackSet({ message: new DataView(bytes.buffer), start: 0, end: bytes.length });
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

  test('read from packed bytes are the same set, and known again by them', () => {
    fc.assert(
      fc.property(tokens, tokens, (values, others) => {
        const set = Tokens.of(values);
        const read = unpack(set.packed.slice());
        expect(read.equals(set)).toBe(true);
        expect(read.packed).toEqual(set.packed);
        const other = Tokens.of(others);
        const bytes = Buffer.from(other.packed);
        expect(set.isPackedAs(bytes, 0, bytes.length)).toBe(set.equals(other));
        expect(other.isPackedAs(bytes, 0, bytes.length)).toBe(true);
      }),
    );
  });

  test.each([
    { name: 'out of order', bytes: [9, 3, 3], values: [3, 9], canonical: [3, 9] },
    { name: 'longer than needed', bytes: [0x81, 0x00], values: [1], canonical: [1] },
    { name: 'beyond 32 bits', bytes: [0x81, 0x80, 0x80, 0x80, 0x10], values: [1], canonical: [1] },
  ])('$name are normalised', ({ bytes, values, canonical }) => {
    const read = unpack(Uint8Array.from(bytes));
    expect(Array.from(read)).toEqual(values);
    expect(Array.from(read.packed)).toEqual(canonical);
    expect(read.isPackedAs(Buffer.from(bytes), 0, bytes.length)).toBe(false);
  });

  test('read one after the other are each their own, before and after they get memory', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(tokens, tokens.map(manyOf))), (lists) => {
        const unpacker = new TokenUnpacker();
        const sets = lists.map((list) => {
          const { packed } = Tokens.of(list);
          const message = new DataView(packed.buffer);
          const read = unpacker.unpack({ message, start: 0, end: packed.length });
          expect(read.equals(Tokens.of(list))).toBe(true);
          return read;
        });
        unpacker.finish();
        for (const [i, list] of lists.entries()) {
          expect(Array.from(sets[i] ?? [])).toEqual(Array.from(Tokens.of(list)));
        }
      }),
    );
  });

  test('hold on to little memory beside their own', () => {
    const unpacker = new TokenUnpacker();
    const { packed } = Tokens.of(Array.from({ length: 512 }, (_, i) => i));
    const message = new DataView(packed.buffer);
    const sets = Array.from({ length: 1000 }, () =>
      unpacker.unpack({ message, start: 0, end: packed.length }),
    );
    unpacker.finish();
    for (const { values } of sets) expect(values.buffer.byteLength).toBeLessThan(16_384);
  });
});

/** More tokens than stand in one piece of memory with others. */
function manyOf(list: readonly number[]): number[] {
  return Array.from({ length: 5000 }, (_, i) => i * 7 + list.length);
}
