import { describe, expect, test } from 'vitest';
import { ringCodec } from '../src/index.ts';
import { fromHex, plain, ringOf, vectors } from './support/vectors.ts';

describe('the codec', () => {
  test.each(vectors.encoding.encode)('$name: reads what the reference sends', (vector) => {
    expect(plain(ringCodec.decode(fromHex(vector.codecHex)))).toEqual(plain(ringOf(vector.json)));
  });

  test.each(vectors.encoding.encode)('$name: reads what it writes', (vector) => {
    const ring = ringOf(vector.json);
    expect(plain(ringCodec.decode(ringCodec.encode(ring)))).toEqual(plain(ring));
  });

  test('an empty ring is one byte', () => {
    expect(ringCodec.encode(ringOf({}))).toEqual(Uint8Array.of(0));
  });

  test.each([
    { name: 'nothing', bytes: [] },
    { name: 'a cut block', bytes: [5, 16, 1] },
    { name: 'a block that is no ring', bytes: [2, 4, 10, 9] },
    { name: 'a claim of 4 GiB', bytes: [0xff, 0xff, 0xff, 0xff, 0x0f, 0] },
  ])('$name is a CodecError', ({ bytes }) => {
    expect(() => ringCodec.decode(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'ML_KV_CODEC' }),
    );
  });
});
