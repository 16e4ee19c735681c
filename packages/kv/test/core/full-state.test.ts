import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinPairs, splitPairs } from '../../src/core/full-state.ts';
import { decodeKeyValuePair } from '../../src/wire/key-value-pair.ts';
import { fromHex, toHex, utf8 } from '../support/bytes.ts';
import { vector } from '../support/vectors.ts';

const pairs = [utf8('one'), new Uint8Array(0), utf8('three')];

describe('a full state', () => {
  test('is empty without pairs', () => {
    expect(toHex(joinPairs([]))).toBe(toHex(vector('localstate/empty')));
    expect(splitPairs(new Uint8Array(0))).toEqual({ pairs: [], problem: undefined });
  });

  test.each(['localstate/one_key', 'localstate/one_deleted_key'])(
    'of the reference comes apart and together again (%s)',
    (name) => {
      const { pairs: found, problem } = splitPairs(vector(name));
      expect(problem).toBeUndefined();
      expect(found.map((bytes) => decodeKeyValuePair(bytes).key)).toEqual(['collectors/ring']);
      expect(toHex(joinPairs(found))).toBe(toHex(vector(name)));
    },
  );

  test('of any pairs comes apart into the same pairs', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (list) => {
        expect(splitPairs(joinPairs(list))).toEqual({ pairs: list, problem: undefined });
      }),
    );
  });

  test('cut anywhere still gives the pairs before the cut', () => {
    const whole = joinPairs(pairs);
    for (let length = 0; length < whole.length; length += 1) {
      const { pairs: found, problem } = splitPairs(whole.subarray(0, length));
      const ends = [0, 7, 11];
      expect(found).toEqual(pairs.slice(0, found.length));
      expect(problem === undefined).toBe(ends.includes(length));
    }
  });

  test('with a length beyond its end gives the pairs before it', () => {
    const state = fromHex(`${toHex(joinPairs([utf8('good')]))}ffffffff00`);
    const { pairs: found, problem } = splitPairs(state);
    expect(found).toEqual([utf8('good')]);
    expect(problem).toBe('a pair claims 4294967295 bytes; 1 are left');
  });
});
