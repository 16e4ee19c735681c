import { describe, expect, test } from 'vitest';
import { plain, ringOf, vectors } from '../support/vectors.ts';

/** We date a tombstone no older than the entry it buries, so that peers accept it. */
const REMOVED_WITH_FAST_CLOCK =
  'localCAS: removed entry with timestamp in the future gets the earlier now';

describe('merge', () => {
  test.each(vectors.merge.filter(({ name }) => name !== REMOVED_WITH_FAST_CLOCK))(
    '$name: as the reference merges',
    ({ before, incoming, localCAS, now, after, change }) => {
      const merged = ringOf(before).merge(ringOf(incoming), {
        localCas: localCAS,
        nowUnixMs: now * 1000,
      });
      expect(plain(merged.value)).toEqual(plain(ringOf(after)));
      if (change == null) expect(merged.change).toBeUndefined();
      else expect(merged.change && plain(merged.change)).toEqual(plain(ringOf(change)));
    },
  );

  test.each(vectors.mergeOrder)('grouping: $name', (vector) => {
    const options = { localCas: false, nowUnixMs: 0 };
    const a = ringOf(vector.a);
    const b = ringOf(vector.b);
    const c = ringOf(vector.c);
    const left = a.merge(b, options).value.merge(c, options).value;
    const right = a.merge(b.merge(c, options).value, options).value;
    expect(plain(left)).toEqual(plain(ringOf(vector['(a.b).c'])));
    expect(plain(right)).toEqual(plain(ringOf(vector['a.(b.c)'])));
  });
});

describe('tombstones', () => {
  test.each(vectors.removeTombstones)(
    'with limit $limit the reference removes $removed and keeps $total',
    ({ before, after, limit, removed, total }) => {
      const result = ringOf(before).removeTombstones(limit === null ? undefined : limit * 1000);
      expect(plain(result.value)).toEqual(plain(ringOf(after)));
      expect(result).toMatchObject({ removed, total });
    },
  );
});
