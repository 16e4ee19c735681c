import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { WireError } from '../../src/index.ts';
import {
  decodeKeyValuePair,
  encodeKeyValuePair,
  type KeyValuePair,
} from '../../src/wire/key-value-pair.ts';
import { fromHex, toHex, utf8 } from '../support/bytes.ts';
import { vector } from '../support/vectors.ts';

const proto = readFileSync(new URL('../../src/wire/kv.proto', import.meta.url), 'utf8');
/** The message as a general protobuf library reads and writes it from the `.proto` file. */
const oracle = protobuf.parse(proto).root.lookupType('memberlist.KeyValuePair');

function pair(more: Partial<KeyValuePair>): KeyValuePair {
  return {
    key: '',
    value: new Uint8Array(0),
    codec: '',
    deleted: false,
    updateTimeMillis: undefined,
    ...more,
  };
}

const anyPair: fc.Arbitrary<KeyValuePair> = fc.record({
  key: fc.string({ unit: 'binary' }),
  value: fc.uint8Array({ maxLength: 300 }),
  codec: fc.string(),
  deleted: fc.boolean(),
  updateTimeMillis: fc.oneof(
    fc.constant(undefined),
    fc.maxSafeInteger().filter((time) => time !== 0),
  ),
});

describe('a key-value pair', () => {
  test.each([
    ['kvpair/empty', pair({})],
    [
      'kvpair/full_not_deleted',
      pair({ key: 'collectors/ring', value: fromHex('010203'), codec: 'ringDesc' }),
    ],
    [
      'kvpair/full_deleted',
      pair({
        key: 'collectors/ring',
        value: fromHex('010203'),
        codec: 'ringDesc',
        deleted: true,
        updateTimeMillis: 1_753_281_498_000,
      }),
    ],
    ['kvpair/negative_update_time', pair({ key: 'k', codec: 'c', updateTimeMillis: -1 })],
  ])('is the bytes of the reference both ways (%s)', (name, expected) => {
    expect(decodeKeyValuePair(vector(name))).toEqual(expected);
    expect(toHex(encodeKeyValuePair(expected))).toBe(toHex(vector(name)));
  });

  test('comes back from its bytes as it was', () => {
    fc.assert(
      fc.property(anyPair, (original) => {
        expect(decodeKeyValuePair(encodeKeyValuePair(original))).toEqual(original);
      }),
    );
  });

  test('is what a general protobuf library reads and writes', () => {
    fc.assert(
      fc.property(anyPair, (original) => {
        const message = {
          ...(original.key === '' ? {} : { key: original.key }),
          ...(original.value.length === 0 ? {} : { value: original.value }),
          ...(original.codec === '' ? {} : { codec: original.codec }),
          ...(original.deleted ? { deleted: true } : {}),
          ...(original.updateTimeMillis === undefined
            ? {}
            : { updateTimeMillis: original.updateTimeMillis }),
        };
        const theirs = Uint8Array.from(oracle.encode(oracle.fromObject(message)).finish());
        expect(toHex(encodeKeyValuePair(original))).toBe(toHex(theirs));
        expect(decodeKeyValuePair(theirs)).toEqual(original);
      }),
    );
  });

  test('takes the last of repeated fields and passes over unknown ones of every kind', () => {
    const first = encodeKeyValuePair(pair({ key: 'first', deleted: true }));
    const second = encodeKeyValuePair(pair({ key: 'second', codec: 'c' }));
    // Fields 9 to 13: varint, fixed64, bytes, a group with a field and a group in it, fixed32.
    const unknown =
      '48ff01' + '510102030405060708' + '5a021234' + '63' + '0801' + '6b6c' + '64' + '6d01020304';
    const bytes = fromHex(toHex(first) + unknown + toHex(second));
    expect(decodeKeyValuePair(bytes)).toEqual(pair({ key: 'second', codec: 'c', deleted: true }));
  });

  test('with a time beyond 2^53 has the largest time that a number holds', () => {
    const bytes = fromHex('28ffffffffffffffff7f');
    expect(decodeKeyValuePair(bytes).updateTimeMillis).toBe(Number.MAX_SAFE_INTEGER);
  });

  test.each([
    ['a cut tag', '80'],
    ['a tag longer than 32 bits', 'ffffffffff01'],
    ['field number 0', '0001'],
    ['a length beyond the end', '0a05616263'],
    ['a length beyond 32 bits', '0affffffffff01'],
    ['a key that is a number', '0801'],
    ['a value that is a fixed32', '1501020304'],
    ['a deleted mark that is bytes', '220101'],
    ['a time longer than 10 bytes', '28ffffffffffffffffffff01'],
    ['a cut time', '28ff'],
    ['the end of a group that never began', '4c'],
    ['a group that never ends', '4b0801'],
    ['a group that ends as another', '4b54'],
    ['wire type 7', '4f'],
    ['a key that is not UTF-8', '0a02c328'],
    ['a codec that is not UTF-8', '1a01ff'],
    ['groups in groups without end', '4b'.repeat(200)],
  ])('is refused with %s', (_, hex) => {
    expect(() => decodeKeyValuePair(fromHex(hex))).toThrow(WireError);
  });

  test('of any bytes is either read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeKeyValuePair(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('keeps a byte order mark in a key, so that no two keys become one', () => {
    expect(decodeKeyValuePair(Uint8Array.of(10, 4, ...utf8('\ufeffk'))).key).toBe('\ufeffk');
  });
});
