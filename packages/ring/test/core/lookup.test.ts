import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc, type InstanceInit } from '../../src/core/instance.ts';
import { type KeyLookup, lookUpKey, lookUpReplicas } from '../../src/core/lookup.ts';
import { Operation, Reporting, Write } from '../../src/core/operation.ts';
import { ignoreUnhealthyStrategy, quorumStrategy } from '../../src/core/replication-strategy.ts';
import { ownedKeys } from '../../src/core/token-ranges.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { RingView, type ViewOptions } from '../../src/core/view.ts';
import { allHealthy, wholeRing } from '../../src/core/whole-ring.ts';
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
      const found = answer(() => lookUpKey(view, key, operation(vector.op), nowUnixMs));
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
    expect(() => lookUpKey(view, 1, operation('Write'), nowUnixMs)).toThrow(
      expect.objectContaining({ code: 'ML_RING_EMPTY' }),
    );
  });

  test('a strategy that needs a majority refuses more replicas than configured', () => {
    const [ring] = vectors.get.rings.filter(({ config }) => config.replicationFactor === 3);
    const view = viewOf(ring?.instances ?? {}, ring?.config ?? fail());
    expect(() =>
      lookUpReplicas(view, {
        key: 1,
        operation: operation('Read'),
        nowUnixMs,
        replicationFactor: 4,
      }),
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

describe('placement', () => {
  /** Three zones of three instances with spread-out tokens. */
  const nine = ['a', 'b', 'c'].flatMap((zone, z) =>
    [0, 1, 2].map((n) => ({
      id: `${zone}-${n}`,
      zone,
      heartbeatUnixS: 1_999_999_999,
      tokens: Tokens.of(
        Array.from({ length: 64 }, (_, i) => ((i * 9 + z * 3 + n) * 7_456_540) >>> 0),
      ),
    })),
  );

  function placed(
    change: (init: InstanceInit) => InstanceInit,
    options: Partial<ViewOptions> = {},
  ): RingView {
    return RingView.of(RingDesc.of(nine.map((init) => InstanceDesc.of(change(init)))), {
      replicationFactor: 3,
      zoneAwarenessEnabled: true,
      excludedZones: [],
      heartbeatTimeoutMs: 60_000,
      ...options,
    });
  }

  function zonesOf(view: RingView, lookup: Partial<KeyLookup> = {}): readonly string[] {
    const wanted = { key: 5, operation: Write, nowUnixMs, ...lookup };
    const { instances } = lookUpReplicas(view, wanted);
    return instances.map(({ zone }) => zone).toSorted();
  }

  test('one that is leaving is made good in its own zone', () => {
    const all = placed((init) => init);
    const [first] = lookUpKey(all, 5, Write, nowUnixMs).instances;
    const leaving = placed((init) =>
      init.id === first?.id ? { ...init, state: 'LEAVING' } : init,
    );
    expect(zonesOf(leaving)).toEqual(['a', 'b', 'c']);
    const met = lookUpKey(leaving, 5, Reporting, nowUnixMs).instances;
    expect(met.map(({ id }) => id)).toContain(first?.id);
  });

  test.each([
    { replicationFactor: 6, each: 2 },
    { replicationFactor: 9, each: 3 },
  ])('$replicationFactor replicas in 3 zones are $each a zone', ({ replicationFactor, each }) => {
    const view = placed((init) => init, { strategy: ignoreUnhealthyStrategy });
    const zones = zonesOf(view, { replicationFactor });
    expect(zones).toEqual(['a', 'b', 'c'].flatMap((zone) => new Array<string>(each).fill(zone)));
  });

  test('one zone is too little for a majority of three, two are enough', () => {
    const only = (...zones: readonly string[]): RingView =>
      RingView.of(
        placed((init) => init).desc.filter(({ zone }) => zones.includes(zone)),
        {
          replicationFactor: 3,
          zoneAwarenessEnabled: true,
          excludedZones: [],
          heartbeatTimeoutMs: 60_000,
        },
      );
    expect(() => zonesOf(only('a'))).toThrow(
      expect.objectContaining({ code: 'ML_RING_TOO_FEW_HEALTHY', required: 2, healthy: 1 }),
    );
    expect(zonesOf(only('a', 'b'))).toEqual(['a', 'b']);
  });

  test('a walk ends where every instance extends it', () => {
    for (const zoneAwarenessEnabled of [true, false]) {
      const view = placed((init) => ({ ...init, state: 'JOINING' }), { zoneAwarenessEnabled });
      expect(() => zonesOf(view)).toThrow(
        expect.objectContaining({ healthy: 0, unhealthy: expect.objectContaining({ length: 9 }) }),
      );
    }
  });

  test('over many keys everyone gets the share that it owns', () => {
    const view = placed((init) => init, { replicationFactor: 1, zoneAwarenessEnabled: false });
    const keys = 20_000;
    const got = new Map<string, number>();
    for (let i = 0; i < keys; i++) {
      const key = Math.imul(i, 2_654_435_761) >>> 0;
      const [found] = lookUpKey(view, key, Write, nowUnixMs).instances;
      got.set(found?.id ?? '', (got.get(found?.id ?? '') ?? 0) + 1);
    }
    const { tokens, owners } = view.topology;
    const owned = new Map<string, number>();
    for (const [i, token] of tokens.entries()) {
      const before = tokens[i === 0 ? tokens.length - 1 : i - 1] ?? 0;
      const id = view.instances[owners[i] ?? 0]?.id ?? '';
      owned.set(id, (owned.get(id) ?? 0) + ((token - before) >>> 0));
    }
    for (const [id, share] of owned) {
      expect((got.get(id) ?? 0) / keys).toBeCloseTo(share / 2 ** 32, 2);
    }
  });
});

function fail(): never {
  throw new TypeError('the vectors hold no such ring');
}
