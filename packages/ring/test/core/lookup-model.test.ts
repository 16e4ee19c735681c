import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingDesc } from '../../src/core/desc.ts';
import { InstanceDesc } from '../../src/core/instance.ts';
import { lookUpKey } from '../../src/core/lookup.ts';
import { type Operation, Read, Reporting, Write, WriteNoExtend } from '../../src/core/operation.ts';
import { ignoreUnhealthyStrategy, quorumStrategy } from '../../src/core/replication-strategy.ts';
import { Tokens } from '../../src/core/tokens.ts';
import { RingView } from '../../src/core/view.ts';

const nowUnixS = 1_700_000_000;
const HEARTBEAT_TIMEOUT_S = 60;
const STATES = ['ACTIVE', 'LEAVING', 'PENDING', 'JOINING'] as const;

type State = (typeof STATES)[number];

/** An instance as the model sees it: words and numbers, nothing of the library. */
interface Plain {
  readonly id: string;
  readonly zone: string;
  readonly state: State;
  readonly fresh: boolean;
  readonly tokens: readonly number[];
}

interface Question {
  readonly instances: readonly Plain[];
  readonly key: number;
  readonly operation: 'Write' | 'WriteNoExtend' | 'Read' | 'Reporting';
  readonly replicationFactor: number;
  readonly zoneAware: boolean;
  readonly majority: boolean;
}

type Answer = { readonly ids: readonly string[]; readonly maxErrors: number } | 'none';

const ACCEPTED: Readonly<Record<Question['operation'], readonly State[]>> = {
  Write: ['ACTIVE'],
  WriteNoExtend: ['ACTIVE'],
  Read: ['ACTIVE', 'PENDING', 'LEAVING'],
  Reporting: STATES,
};

const EXTENDED: Readonly<Record<Question['operation'], readonly State[]>> = {
  Write: ['LEAVING', 'PENDING', 'JOINING'],
  WriteNoExtend: [],
  Read: ['PENDING', 'JOINING'],
  Reporting: [],
};

/** Who is met on the way round the ring from a key, token by token. */
function wayRound({ instances, key }: Question): readonly Plain[] {
  const points = instances
    .flatMap((instance) => instance.tokens.map((token) => ({ token, instance })))
    .sort((a, b) => a.token - b.token);
  const start = points.findIndex(({ token }) => token > key);
  const from = Math.max(0, start);
  return [...points.slice(from), ...points.slice(0, from)].map(({ instance }) => instance);
}

/** The rules of a look-up as one would tell them: slow, and with nothing prepared. */
function model(question: Question): Answer {
  const { instances, operation, replicationFactor, zoneAware } = question;
  const met: Plain[] = [];
  const zones = new Set(instances.map(({ zone }) => zone));
  const count = (list: readonly Plain[], zone: string): number =>
    list.filter((instance) => instance.zone === zone).length;
  let wanted = replicationFactor;
  const filling = (zone: string): readonly Plain[] =>
    met.filter((one) => one.zone === zone && !EXTENDED[operation].includes(one.state));
  for (const instance of wayRound(question)) {
    if (met.length >= Math.min(instances.length, wanted)) break;
    const limited = zoneAware && instance.zone !== '';
    const everyZoneDone =
      zoneAware &&
      [...zones].every(
        (zone) =>
          zone !== '' && (filling(zone).length >= 1 || count(met, zone) >= count(instances, zone)),
      );
    if (everyZoneDone) break;
    if (met.includes(instance)) continue;
    if (limited && filling(instance.zone).length >= 1) continue;
    met.push(instance);
    if (EXTENDED[operation].includes(instance.state)) wanted += 1;
  }
  if (met.length === 0) return 'none';
  const healthy = met.filter(
    (instance) => instance.fresh && ACCEPTED[operation].includes(instance.state),
  );
  const needed = question.majority
    ? Math.floor(Math.max(replicationFactor, met.length) / 2) + 1
    : 1;
  if (healthy.length < needed) return 'none';
  return { ids: healthy.map(({ id }) => id), maxErrors: healthy.length - needed };
}

const OPERATIONS: Readonly<Record<Question['operation'], Operation>> = {
  Write,
  WriteNoExtend,
  Read,
  Reporting,
};

function library(question: Question): Answer {
  const desc = RingDesc.of(
    question.instances.map(({ id, zone, state, fresh, tokens }) =>
      InstanceDesc.of({
        id,
        zone,
        state,
        heartbeatUnixS: nowUnixS - (fresh ? HEARTBEAT_TIMEOUT_S : HEARTBEAT_TIMEOUT_S + 1),
        tokens: Tokens.of(tokens),
      }),
    ),
  );
  const view = RingView.of(desc, {
    replicationFactor: question.replicationFactor,
    zoneAwarenessEnabled: question.zoneAware,
    excludedZones: [],
    heartbeatTimeoutMs: HEARTBEAT_TIMEOUT_S * 1000,
    strategy: question.majority ? quorumStrategy : ignoreUnhealthyStrategy,
  });
  try {
    const { instances, maxErrors } = lookUpKey(
      view,
      question.key,
      OPERATIONS[question.operation],
      nowUnixS * 1000,
    );
    return { ids: instances.map(({ id }) => id), maxErrors };
  } catch (error) {
    expect(error).toMatchObject({
      code: expect.stringMatching(/^ML_RING_(EMPTY|TOO_FEW_HEALTHY)$/),
    });
    return 'none';
  }
}

const token = fc.oneof(
  fc.integer({ min: 0, max: 60 }),
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0, 0xffffffff),
);

/** Up to a dozen instances; no token belongs to two of them. */
const instances: fc.Arbitrary<readonly Plain[]> = fc
  .uniqueArray(token, { minLength: 1, maxLength: 40 })
  .chain((tokens) =>
    fc
      .record({
        owners: fc.array(fc.nat({ max: 11 }), {
          minLength: tokens.length,
          maxLength: tokens.length,
        }),
        traits: fc.array(
          fc.record({
            zone: fc.constantFrom('', 'a', 'b', 'c'),
            state: fc.constantFrom(...STATES, 'ACTIVE' as const, 'ACTIVE' as const),
            fresh: fc.boolean(),
          }),
          { minLength: 1, maxLength: 12 },
        ),
      })
      .map(({ owners, traits }) =>
        traits.map((trait, i) => ({
          ...trait,
          id: `i-${i}`,
          tokens: tokens.filter((_, t) => (owners[t] ?? 0) % traits.length === i),
        })),
      ),
  );

const questions: fc.Arbitrary<Question> = fc.record({
  instances,
  key: token,
  operation: fc.constantFrom('Write', 'WriteNoExtend', 'Read', 'Reporting'),
  replicationFactor: fc.integer({ min: 1, max: 5 }),
  zoneAware: fc.boolean(),
  majority: fc.boolean(),
});

describe('a look-up', () => {
  test('answers as the rules told plainly, whatever the ring', () => {
    let answered = 0;
    fc.assert(
      fc.property(questions, (question) => {
        const expected = model(question);
        if (expected !== 'none') answered += 1;
        expect(library(question)).toEqual(expected);
      }),
      { numRuns: 1500 },
    );
    expect(answered).toBeGreaterThan(300);
  });
});
