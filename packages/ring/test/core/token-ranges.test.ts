import { describe, expect, test } from 'vitest';
import { lookUpKey } from '../../src/core/lookup.ts';
import { Write } from '../../src/core/operation.ts';
import { rangesInclude, type TokenRange, tokenRanges } from '../../src/core/token-ranges.ts';
import { RingView } from '../../src/core/view.ts';
import { ringOf, type VectorConfig, type VectorRing, vectors } from '../support/vectors.ts';

const nowUnixMs = 2_000_000_000_000;

function viewOf(instances: VectorRing, config: VectorConfig): RingView {
  return RingView.of(ringOf(instances), {
    replicationFactor: config.replicationFactor,
    zoneAwarenessEnabled: config.zoneAwarenessEnabled,
    excludedZones: config.excludedZones,
    heartbeatTimeoutMs: config.heartbeatTimeoutSeconds * 1000,
  });
}

/** `[from, to, from, to]` in pairs. */
function pairs(flat: readonly number[]): readonly TokenRange[] {
  return flat.flatMap((from, i) => (i % 2 === 0 ? [[from, flat[i + 1] ?? 0] as const] : []));
}

/** The reference loses the range [0, 0] of a token 1. R-21 */
const LOST_BY_THE_REFERENCE: ReadonlyMap<string, readonly TokenRange[]> = new Map([
  ['a-1', [[0, 0]]],
]);

describe('token ranges', () => {
  const cases = vectors.tokenRanges.rings.flatMap((ring) =>
    Object.entries(ring.ranges).map(([id, expected]) => ({ ...ring, id, expected })),
  );

  test.each(cases)('$name: $id holds what the reference says', ({ id, expected, ...vector }) => {
    const view = viewOf(vector.instances, vector.config);
    if (typeof expected === 'string') {
      expect(() => tokenRanges(view, id)).toThrow(
        expect.objectContaining({
          code: id === 'missing' ? 'ML_RING_UNKNOWN_INSTANCE' : 'ML_RING_TOKEN_RANGES',
        }),
      );
    } else if (vector.name.includes('bug')) {
      expect(tokenRanges(view, id)).toEqual(LOST_BY_THE_REFERENCE.get(id) ?? pairs(expected ?? []));
    } else {
      expect(tokenRanges(view, id)).toEqual(pairs(expected ?? []));
    }
  });

  test('agree with the look-up of every key at their edges', () => {
    for (const vector of vectors.tokenRanges.rings) {
      const view = viewOf(vector.instances, vector.config);
      const { zones } = view.topology;
      const { replicationFactor, zoneAwarenessEnabled } = vector.config;
      if (!zoneAwarenessEnabled || zones.length !== replicationFactor || zones.includes(''))
        continue;
      if (view.instances.some(({ tokens }) => tokens.isEmpty)) continue;
      for (const { id } of view.instances) {
        const ranges = tokenRanges(view, id);
        for (const key of ranges.flatMap(([from, to]) => [from - 1, from, to, to + 1])) {
          if (key < 0 || key > 0xffffffff) continue;
          const { instances } = lookUpKey(view, key, Write, nowUnixMs);
          expect(rangesInclude(ranges, key)).toBe(instances.some((found) => found.id === id));
        }
      }
    }
  });

  test.each(Object.entries(vectors.tokenRanges.includesKey.keys))(
    'key %s is in the ranges of the vectors: %s',
    (key, included) => {
      const { ranges } = vectors.tokenRanges.includesKey;
      expect(rangesInclude(pairs(ranges), Number(key))).toBe(included);
    },
  );
});
