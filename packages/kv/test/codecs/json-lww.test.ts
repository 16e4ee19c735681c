import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CodecError, jsonLww, LwwMap } from '../../src/index.ts';
import { utf8 } from '../support/bytes.ts';

const NOW = 1_700_000_000_000;
const AT = { localCas: true, nowUnixMs: NOW };
const codec = jsonLww('numbers', z.number());

describe('a last-writer-wins map', () => {
  test('holds what was set, and nothing that was deleted', () => {
    const map = new LwwMap<number>().set('a', 1, NOW).set('b', 2, NOW).delete('a');
    expect(map.get('a')).toBeUndefined();
    expect(map.entries()).toEqual([['b', 2]]);
  });

  test('lets a local write win over one by a clock that is ahead', () => {
    const theirs = new LwwMap<number>().set('a', 1, NOW + 60_000);
    const next = theirs.set('a', 2, NOW);
    expect(theirs.merge(next, AT).value.get('a')).toBe(2);
    expect(next.merge(theirs, AT).value.get('a')).toBe(2);
  });

  test('spreads a local deletion, also of what a clock ahead of ours wrote', () => {
    const theirs = new LwwMap<number>().set('a', 1, NOW + 60_000);
    const { change } = theirs.merge(theirs.delete('a'), AT);
    expect(change?.items.get('a')).toEqual({ type: 'tombstone', updatedUnixMs: NOW + 60_001 });
  });

  test('comes back from its JSON as it was', () => {
    const item = fc.oneof(
      fc.record({ type: fc.constant('value' as const), value: fc.nat(), updatedUnixMs: fc.nat() }),
      fc.record({ type: fc.constant('tombstone' as const), updatedUnixMs: fc.nat() }),
    );
    const name = fc.oneof(fc.string(), fc.constant('__proto__'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, item)), (entries) => {
        const map = new LwwMap(new Map(entries));
        expect(new Map(codec.decode(codec.encode(map)).items)).toEqual(new Map(map.items));
      }),
    );
  });

  test('is refused when a value does not fit the schema', () => {
    expect(() => codec.decode(utf8('{"a":{"t":1,"v":"text"}}'))).toThrow(CodecError);
    expect(jsonLww('any').decode(utf8('{"a":{"t":1,"v":"text"}}')).get('a')).toBe('text');
  });

  test.each(['', '[]', '{"a":1}', '{"a":{"t":-1,"v":1}}', '{"a":{"t":1,"d":false}}', '\u0000'])(
    'is refused when the bytes are something else (%s)',
    (text) => {
      expect(() => codec.decode(utf8(text))).toThrow(CodecError);
    },
  );

  test('is refused when it is larger than allowed, both ways', () => {
    const small = jsonLww('small', z.string(), { maxValueBytes: 30 });
    const map = new LwwMap<string>().set('a', 'x'.repeat(30), NOW);
    expect(() => small.encode(map)).toThrow(CodecError);
    expect(() => small.decode(jsonLww('any').encode(map))).toThrow(CodecError);
  });
});
