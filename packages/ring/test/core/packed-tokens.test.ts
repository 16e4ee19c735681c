import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PackedTokens, packTokens, unpackTokens } from '../../src/core/packed-tokens.ts';

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

test('varints of any length are cut off at 32 bits, and it is said whether they ascend', () => {
  fc.assert(
    fc.property(numbers, fc.nat({ max: 5 }), fc.boolean(), (list, offset, sorts) => {
      const given = sorts ? list.toSorted((a, b) => (a.value < b.value ? -1 : 1)) : list;
      const encoded = given.map(({ value, length }) => varint(value, length));
      const bytes = Uint8Array.from([...new Array<number>(offset).fill(0xff), ...encoded.flat()]);
      const values = new Uint32Array(bytes.length + 2);
      const to = unpackTokens(packedIn(bytes, offset), values, 2);
      const expected = given.map(({ value }) => Number(value & 0xffffffffn));
      const ascending = expected.every((token, i) => i === 0 || token > (expected[i - 1] ?? 0));
      expect(to).toBe(ascending ? 2 + expected.length : ~(2 + expected.length));
      expect(Array.from(values.subarray(2, 2 + expected.length))).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test('what was packed is unpacked again', () => {
  fc.assert(
    fc.property(fc.uint32Array(), (list) => {
      const packed = packTokens(list);
      expect(Array.from(packed)).toEqual(
        Array.from(list).flatMap((token) => varint(BigInt(token), 0)),
      );
      const values = new Uint32Array(packed.length);
      const to = unpackTokens(packedIn(packed, 0), values, 0);
      expect(values.subarray(0, to < 0 ? ~to : to)).toEqual(list);
    }),
  );
});

test.each([
  { name: 'that is cut off', bytes: [1, 0x80], problem: /cut off at byte 2/ },
  { name: 'of five bytes that is cut off', bytes: [1, 255, 255, 255, 255], problem: /cut off/ },
  {
    name: 'of eleven bytes',
    bytes: [...new Array<number>(10).fill(0x80), 0],
    problem: /more than 10 bytes/,
  },
])('a number $name is refused', ({ bytes, problem }) => {
  const values = new Uint32Array(bytes.length);
  expect(() => unpackTokens(packedIn(Uint8Array.from(bytes), 0), values, 0)).toThrow(problem);
});

function packedIn(bytes: Uint8Array, start: number): PackedTokens {
  return { message: new DataView(bytes.buffer), start, end: bytes.length };
}
