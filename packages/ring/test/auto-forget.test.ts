import { recordingLogger } from '@ml/runtime';
import { describe, expect, test } from 'vitest';
import { type AutoForgetOptions, createAutoForget } from '../src/auto-forget.ts';
import { InstanceDesc, instanceRegisterDelegate, RingDesc } from '../src/index.ts';

const nowUnixS = 10_000;

/** A ring of instances by the age of their heartbeats in seconds. */
function ringOf(ages: Readonly<Record<string, number>>): RingDesc {
  return RingDesc.of(
    Object.entries(ages).map(([id, age]) =>
      InstanceDesc.of({ id, heartbeatUnixS: nowUnixS - age }),
    ),
  );
}

function forget(more: Partial<AutoForgetOptions> = {}) {
  const log = recordingLogger();
  const autoForget = createAutoForget({
    instanceId: 'me',
    heartbeatTimeoutMs: 60_000,
    replicationFactor: 1,
    runtime: { log },
    ...more,
  });
  const delegate = autoForget.delegate(instanceRegisterDelegate('ACTIVE', 1));
  return {
    log,
    autoForget,
    beat: (ring: RingDesc, laterS: number = 0): readonly string[] =>
      delegate.onHeartbeat(ring, (nowUnixS + laterS) * 1000).instances.map(({ id }) => id),
  };
}

describe('an instance', () => {
  test('is forgotten after ten timeouts, not before', () => {
    const { beat } = forget();
    expect(beat(ringOf({ me: 0, b: 600 }))).toEqual(['b', 'me']);
    expect(beat(ringOf({ me: 0, b: 601 }))).toEqual(['me']);
  });

  test('is forgotten after as many timeouts as configured', () => {
    const { beat } = forget({ timeouts: 2 });
    expect(beat(ringOf({ me: 0, b: 121 }))).toEqual(['me']);
  });

  test('with a heartbeat in the future stays', () => {
    expect(forget().beat(ringOf({ me: 0, b: -3000 }))).toEqual(['b', 'me']);
  });

  test('with a heartbeat of years ahead is forgotten ten timeouts after that was first seen', () => {
    const { beat } = forget();
    const years = -100_000_000;
    expect(beat(ringOf({ me: 0, b: years }))).toEqual(['b', 'me']);
    expect(beat(ringOf({ me: -500, b: years - 1 }), 500)).toEqual(['b', 'me']);
    expect(beat(ringOf({ me: -1100, b: years - 1 }), 1100)).toEqual(['b', 'me']);
    expect(beat(ringOf({ me: -1101, b: years - 1 }), 1101)).toEqual(['me']);
  });

  test('never forgets itself', () => {
    const { beat } = forget();
    expect(beat(ringOf({ me: 5000, b: 0 }))).toEqual(['b', 'me']);
  });
});

describe('nothing is forgotten', () => {
  test('while fewer instances than replicas are healthy', () => {
    const { beat, autoForget } = forget({ replicationFactor: 3 });
    const ring = ringOf({ me: 0, b: 1, c: 61, d: 700 });
    expect(beat(ring)).toHaveLength(4);
    expect(autoForget.events).toMatchObject([{ type: 'held-back', reason: 'too-few-healthy' }]);
  });

  test('while more than a third of the ring would have to go at once', () => {
    const { beat, autoForget, log } = forget();
    const ages = { me: 0, a: 0, b: 0, c: 0, d: 700, e: 700, f: 700 };
    expect(beat(ringOf(ages))).toHaveLength(7);
    expect(autoForget.events).toMatchObject([
      { type: 'held-back', reason: 'too-many', instances: [{ id: 'd' }, { id: 'e' }, { id: 'f' }] },
    ]);
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { reason: 'too-many' } }]);
    expect(beat(ringOf({ ...ages, d: 0 }))).toEqual(['a', 'b', 'c', 'd', 'me']);
  });

  test('in a dry run, which records what would have been', () => {
    const { beat, autoForget } = forget({ dryRun: true });
    expect(beat(ringOf({ me: 0, b: 700 }))).toEqual(['b', 'me']);
    expect(autoForget.events).toMatchObject([
      { type: 'forgotten', dryRun: true, unixMs: nowUnixS * 1000, instances: [{ id: 'b' }] },
    ]);
  });
});

test('a larger share goes at once when told so', () => {
  const { beat } = forget({ maxShare: 1 });
  expect(beat(ringOf({ me: 0, b: 700, c: 700, d: 700 }))).toEqual(['me']);
});

test('a decision that is repeated, as in a retried write, is recorded once', () => {
  const { beat, autoForget, log } = forget();
  for (let i = 0; i < 5; i++) beat(ringOf({ me: 0, b: 700 }));
  expect(autoForget.events).toHaveLength(1);
  expect(log.lines).toHaveLength(1);
});

test('only the latest hundred decisions are kept', () => {
  const { beat, autoForget } = forget();
  for (let i = 0; i < 250; i++) beat(ringOf({ me: 0, b: 700 + i }));
  expect(autoForget.events).toHaveLength(100);
  expect(autoForget.events.at(-1)).toMatchObject({
    instances: [{ heartbeatUnixS: nowUnixS - 949 }],
  });
});

test.each([
  [{ heartbeatTimeoutMs: 0 }, /timeout of 0 ms/],
  [{ timeouts: 0.5 }, /after 0.5 timeouts/],
  [{ replicationFactor: 0 }, /replication factor 0/],
  [{ maxShare: 1.5 }, /share of 1.5/],
])('options %j are refused', (options, message) => {
  expect(() => forget(options)).toThrow(message);
});
