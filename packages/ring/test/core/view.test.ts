import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc, isHeartbeatFresh } from '../../src/core/instance.ts';
import { Operation, Read, Reporting, Write, WriteNoExtend } from '../../src/core/operation.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { RingView } from '../../src/core/view.ts';
import { vectors } from '../support/vectors.ts';

const options = {
  replicationFactor: 1,
  zoneAwarenessEnabled: false,
  excludedZones: [],
  heartbeatTimeoutMs: 60_000,
};

describe('counts', () => {
  test.each(vectors.get.rings)('$name: as the reference counts', (vector) => {
    const ring = RingDesc.of(
      Object.entries(vector.instances).map(([id, { zone, tokens }]) =>
        InstanceDesc.of({ id, zone, tokens: Tokens.of(tokens ?? []) }),
      ),
    );
    const { topology, instances } = RingView.of(ring, {
      ...options,
      excludedZones: vector.config.excludedZones,
    });
    const sum = (column: Uint32Array): number => column.reduce((total, count) => total + count, 0);
    expect({
      instancesCount: instances.length,
      instancesWithTokensCount: sum(topology.withTokensInZone),
      writableInstancesWithTokensCount: sum(topology.writableInZone),
      zonesCount: topology.zones.length,
    }).toEqual(vector.counts);
  });

  test('one instance that does not tell its registration makes the oldest unknown', () => {
    const one = InstanceDesc.of({ id: 'a', registeredUnixS: 50 });
    const two = InstanceDesc.of({ id: 'b', registeredUnixS: 40 });
    expect(RingView.of(RingDesc.of([one, two]), options).topology.oldestRegisteredUnixS).toBe(40);
    const unknown = RingDesc.of([one, two.with({ registeredUnixS: 0 })]);
    expect(RingView.of(unknown, options).topology.oldestRegisteredUnixS).toBe(0);
  });
});

describe('tokens held twice', () => {
  const leaving = InstanceDesc.of({ id: 'a', state: 'LEAVING', tokens: Tokens.of([1, 5]) });
  const active = InstanceDesc.of({ id: 'b', tokens: Tokens.of([5, 9]) });

  test('belong to one instance, whatever order they came in', () => {
    const view = RingView.of(RingDesc.of([active, leaving]), options);
    expect(Array.from(view.topology.tokens)).toEqual([1, 5, 9]);
    expect(Array.from(view.topology.owners)).toEqual([0, 1, 1]);
  });

  test('change hands when a state changes', () => {
    const view = RingView.of(RingDesc.of([active, leaving]), options);
    const back = RingDesc.of([active, leaving.with({ state: 'ACTIVE' })]);
    expect(Array.from(view.update(back).view.topology.owners)).toEqual([0, 0, 1]);
  });
});

describe('operations', () => {
  const named = { Write, WriteNoExtend, Read, Reporting };

  test.each(Object.entries(named))('%s has the mask of the reference', (name, operation) => {
    expect(operation.mask).toBe(vectors.get.operations[name]);
  });

  test('tell their states', () => {
    expect(Read.healthyStates).toEqual(['ACTIVE', 'LEAVING', 'PENDING']);
    expect(Write.extendsOn).toEqual(['LEAVING', 'PENDING', 'JOINING', 'LEFT']);
    expect(Operation.of(['ACTIVE', 'LEAVING']).mask).toBe(3);
  });

  test('a state without a name takes part in reporting only', () => {
    expect([Write, Read, Reporting].map((operation) => operation.accepts(9))).toEqual([
      false,
      false,
      true,
    ]);
    expect(Write.extends(9)).toBe(false);
    expect(Reporting.accepts(-1)).toBe(false);
  });
});

describe('a view that follows a ring', () => {
  const startUnixS = 1_000_000;
  const ids = ['a', 'b', 'c', 'd', 'e'] as const;
  const ring = RingDesc.of(
    ids.map((id, i) =>
      InstanceDesc.of({
        id,
        zone: id === 'e' ? 'closed' : 'open',
        heartbeatUnixS: startUnixS,
        tokens: Tokens.of([i + 1]),
      }),
    ),
  );
  const steps = fc.array(
    fc.record({
      laterMs: fc.constantFrom(0, 1, 20_000, 60_000, -30_000),
      beats: fc.uniqueArray(
        fc.record({
          id: fc.constantFrom(...ids),
          agoS: fc.constantFrom(0, 10, 59, 60, 61, -30),
          state: fc.constantFrom('ACTIVE', 'ACTIVE', 'LEAVING', 'JOINING', 'PENDING'),
        }),
        { maxLength: 3, selector: ({ id }) => id },
      ),
      asked: fc.subarray([Read, Write, Reporting]),
    }),
    { maxLength: 12 },
  );

  test.each([[[]], [['closed']]])(
    'without the zones %j answers as one that is made anew',
    (zones) => {
      fc.assert(
        fc.property(steps, (list) => {
          const followed = { ...options, excludedZones: zones };
          let nowUnixMs = startUnixS * 1000;
          let desc = ring;
          let view = RingView.of(desc, followed, nowUnixMs);
          for (const { laterMs, beats, asked } of list) {
            nowUnixMs += laterMs;
            for (const { id, agoS, state } of beats) {
              const known = desc.get(id) ?? InstanceDesc.of({ id });
              const heartbeatUnixS = Math.floor(nowUnixMs / 1000) - agoS;
              desc = desc.set(known.with({ heartbeatUnixS, state }));
            }
            ({ view } = view.update(desc, nowUnixMs));
            const anew = RingView.of(desc, followed, nowUnixMs);
            const until = ({ instances, freshness }: RingView): readonly number[] =>
              instances.map((instance) => freshness.untilUnixMs(instance));
            expect(until(view)).toEqual(until(anew));
            for (const operation of asked) {
              for (const atMs of [nowUnixMs, nowUnixMs + 1000, nowUnixMs - 1000]) {
                const { flags, uniform } = view.healthFor(operation, atMs);
                const expected = anew.healthFor(operation, atMs);
                expect({ flags, uniform }).toEqual({
                  flags: expected.flags,
                  uniform: expected.uniform,
                });
              }
            }
          }
        }),
        { numRuns: 500 },
      );
    },
  );
});

test.each(vectors.misc.heartbeat)(
  'a heartbeat of age $ageSeconds s with timeout $timeoutSeconds s is fresh: $healthy',
  ({ ageSeconds, timeoutSeconds, healthy }) => {
    const instance = InstanceDesc.of({ id: 'a', heartbeatUnixS: 1_000_000 });
    const nowUnixMs = 1_000_000_000 + ageSeconds * 1000;
    expect(isHeartbeatFresh(instance, nowUnixMs, timeoutSeconds * 1000)).toBe(healthy);
  },
);
