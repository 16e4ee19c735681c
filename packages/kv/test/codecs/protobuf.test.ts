import { snappyEncode } from '@ml/runtime/snappy';
import { describe, expect, test } from 'vitest';
import { CodecError, protobufCodec } from '../../src/index.ts';
import { fromHex, toHex } from '../support/bytes.ts';
import { opaqueRingCodec } from '../support/opaque-ring.ts';
import { vector } from '../support/vectors.ts';

const bytesCodec = protobufCodec<Uint8Array>({
  id: 'bytes',
  encode: (value) => value,
  decode: (message) => message,
  maxValueBytes: 100,
});

describe('a protobuf codec', () => {
  test.each([
    ['codec/ring_encoded', 'codec/ring_proto_raw'],
    ['newest/beacon_desc_encoded', 'newest/beacon_desc_raw'],
  ])('reads what the reference wrote (%s)', (encoded, raw) => {
    expect(toHex(bytesCodec.decode(vector(encoded)))).toBe(toHex(vector(raw)));
    expect(toHex(bytesCodec.decode(bytesCodec.encode(vector(raw))))).toBe(toHex(vector(raw)));
  });

  test('writes an empty message as the one byte that the reference writes', () => {
    expect(toHex(bytesCodec.encode(new Uint8Array(0)))).toBe(toHex(vector('codec/empty_snappy')));
    expect(opaqueRingCodec.decode(vector('codec/ring_empty_encoded')).mergeContent()).toEqual([]);
  });

  test('takes no memory for a length that is only claimed', () => {
    expect(() => bytesCodec.decode(fromHex('ffffffff0f0000'))).toThrow(CodecError);
    expect(() => opaqueRingCodec.decode(fromHex('ffffff7f0000'))).toThrow(CodecError);
  });

  test('refuses values above its limit both ways', () => {
    expect(() => bytesCodec.encode(new Uint8Array(101))).toThrow(CodecError);
    expect(() => bytesCodec.decode(snappyEncode(new Uint8Array(101)))).toThrow(CodecError);
    expect(bytesCodec.decode(snappyEncode(new Uint8Array(100)))).toHaveLength(100);
  });

  test('wraps whatever the message decoder throws, with its cause', () => {
    const cause = new RangeError('no such field');
    const failing = protobufCodec<number>({
      id: 'failing',
      encode: () => new Uint8Array(0),
      decode: () => {
        throw cause;
      },
    });
    expect(() => failing.decode(Uint8Array.of(0))).toThrow(
      expect.objectContaining({ code: 'ML_KV_CODEC', cause }),
    );
  });
});
