import { describe, expect, test } from 'vitest';
import { allHealthy, lookUpKey, wholeRing } from '../../src/core/lookup.ts';
import { Operation } from '../../src/core/operation.ts';
import { ignoreUnhealthyStrategy, quorumStrategy } from '../../src/core/replication-strategy.ts';
import { ownedKeys } from '../../src/core/token-ranges.ts';
import { RingView } from '../../src/core/view.ts';
import { ringOf, type VectorConfig, type VectorRing, vectors } from '../support/vectors.ts';

/** Between the heartbeats of dead and healthy instances of the vectors. */
const nowUnixMs = 2_000_000_000_000;

function viewOf(instances: VectorRing, config: VectorConfig): RingView {
  return RingView.of(ringOf(instances), {
    replicationFactor: config.replicationFactor,
    zoneAwarenessEnabled: config.zoneAwarenessEnabled,
    excludedZones: config.excludedZones,
    heartbeatTimeoutMs: config.heartbeatTimeoutSeconds * 1000,
    strategy: config.strategy === 'default' ? quorumStrategy : ignoreUnhealthyStrategy,
  });
}

function operation(name: string): Operation {
  const mask = vectors.get.operations[name];
  if (mask === undefined) throw new TypeError(`no operation ${name}`);
  return Operation.ofMask(mask);
}

/** What the reference's text says. */
function shortageIn(text: string): object {
  const [, required, healthy] = /at least (\d+) .* could only find (\d+)/.exec(text) ?? [];
  const addresses = / - unhealthy instances: (.*)$/.exec(text)?.[1]?.split(',') ?? [];
  return { required: Number(required), healthy: Number(healthy), addresses };
}

function answer(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

describe('a key', () => {
  const cases = vectors.get.rings.flatMap((ring) =>
    Object.entries(ring.results).map(([name, results]) => ({
      ...ring,
      name: `${ring.name} ${name}`,
      op: name,
      results,
    })),
  );

  test.each(cases)('$name: 200 keys go where the reference puts them', (vector) => {
    const view = viewOf(vector.instances, vector.config);
    for (const [i, key] of vector.keys.entries()) {
      const expected = vector.results[i];
      const found = answer(() =>
        lookUpKey(view, { key, operation: operation(vector.op), nowUnixMs }),
      );
      if (typeof expected === 'string') {
        const { addresses, ...numbers } = { addresses: [], ...shortageIn(expected) };
        expect(found).toMatchObject({
          ...numbers,
          code: 'ML_RING_TOO_FEW_HEALTHY',
          unhealthy: addresses.map((addr) => expect.objectContaining({ addr })),
        });
      } else {
        const [maxErrors, ...ids] = expected ?? [0];
        expect(found).toMatchObject({ maxErrors, instances: ids.map((id) => ({ id })) });
        expect(found).toHaveProperty('instances.length', ids.length);
      }
    }
  });

  test.each(vectors.get.rings)('$name: everyone owns what the reference says', (vector) => {
    const view = viewOf(vector.instances, { ...vector.config, excludedZones: [] });
    const owned = ownedKeys(view);
    expect(
      Object.fromEntries(view.instances.map(({ id }, position) => [id, owned[position]])),
    ).toEqual(vector.ownedKeyspace);
  });

  test('an empty ring has no instances for any key', () => {
    const view = viewOf({}, vectors.get.rings[0]?.config ?? fail());
    expect(() => lookUpKey(view, { key: 1, operation: operation('Write'), nowUnixMs })).toThrow(
      expect.objectContaining({ code: 'ML_RING_EMPTY' }),
    );
  });

  test('a strategy that needs a majority refuses more replicas than configured', () => {
    const [ring] = vectors.get.rings.filter(({ config }) => config.replicationFactor === 3);
    const view = viewOf(ring?.instances ?? {}, ring?.config ?? fail());
    expect(() =>
      lookUpKey(view, { key: 1, operation: operation('Read'), nowUnixMs, replicationFactor: 4 }),
    ).toThrow(expect.objectContaining({ code: 'ML_RING_REPLICATION_FACTOR' }));
  });
});

describe('the whole ring', () => {
  test.each(vectors.replicationSetForOperation)(
    '$name $op: asked as the reference asks it',
    (vector) => {
      const view = viewOf(vector.instances, vector.config);
      const op = operation(vector.op);
      const found = answer(() => wholeRing(view, op, nowUnixMs));
      if (vector.result === undefined) {
        expect(found).toMatchObject({
          code: vector.error === 'empty ring' ? 'ML_RING_EMPTY' : 'ML_RING_TOO_MANY_UNHEALTHY',
        });
      } else {
        const { ids, ...tolerances } = vector.result;
        expect(found).toMatchObject({ ...tolerances, instances: ids.map((id) => ({ id })) });
        expect(found).toHaveProperty('instances.length', ids.length);
      }
      const healthy = answer(() => allHealthy(view, op, nowUnixMs));
      if (vector.getAllHealthyError === undefined) {
        expect(healthy).toMatchObject({
          instances: (vector.getAllHealthy ?? []).toSorted().map((id) => ({ id })),
          maxErrors: 0,
        });
      } else {
        expect(healthy).toMatchObject({ code: 'ML_RING_EMPTY' });
      }
    },
  );
});

function fail(): never {
  throw new TypeError('the vectors hold no such ring');
}
