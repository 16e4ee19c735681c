import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unpackTokens } from '../../src/core/packed-tokens.ts';

/** A number as a varint of at least its own length, filled up with empty bytes. */
function varint(value: bigint, length: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; bytes.length === 0 || rest > 0n || bytes.length < length; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
  return bytes.map((byte, i) => (i === bytes.length - 1 ? byte & 0x7f : byte));
}

const numbers = fc.array(
  fc.record({
    value: fc.oneof(
      fc.bigInt({ min: 0n, max: 300n }),
      fc.bigInt({ min: 0n, max: 0xffffffffn }),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
    ),
    length: fc.constantFrom(0, 0, 0, 5, 8, 10),
  }),
);

test('varints of any length are cut off at 32 bits, and only the shortest ascending ones are canonical', () => {
  fc.assert(
    fc.property(numbers, fc.nat({ max: 5 }), fc.boolean(), (list, offset, sorts) => {
      const given = sorts ? list.toSorted((a, b) => (a.value < b.value ? -1 : 1)) : list;
      const encoded = given.map(({ value, length }) => varint(value, length));
      const bytes = Uint8Array.from([...new Array<number>(offset).fill(0xff), ...encoded.flat()]);
      const { values, canonical } = unpackTokens(bytes, offset, bytes.length);
      const expected = given.map(({ value }) => Number(value & 0xffffffffn));
      expect(Array.from(values)).toEqual(expected);
      const shortest = given.every(
        ({ value }, i) => value <= 0xffffffffn && encoded[i]?.length === varint(value, 0).length,
      );
      const ascending = expected.every((token, i) => i === 0 || token > (expected[i - 1] ?? 0));
      expect(canonical).toBe(shortest && ascending);
    }),
    { numRuns: 2000 },
  );
});
