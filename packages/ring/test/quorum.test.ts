import { recordingLogger } from '@ml/runtime';
import { describe, expect, test } from 'vitest';
import { doMultiUntilQuorum, doUntilQuorum, type QuorumOptions } from '../src/quorum.ts';
import { type Behaviour, Replicas, setOf } from './support/replicas.ts';

const down = new TypeError('down');
const failed = (afterMs: number): Behaviour => ({ afterMs, error: down });
const ok = (afterMs: number): Behaviour => ({ afterMs });
const three = ['x', 'y', 'z'];
const zones = ['a1', 'a2', 'b1', 'b2', 'c1', 'c2'];

function options(
  replicas: Replicas,
  more: Partial<QuorumOptions<string>> = {},
): QuorumOptions<string> {
  return { runtime: replicas.runtime, cleanup: replicas.cleanup, ...more };
}

function reasonOf(replicas: Replicas, id: string): unknown {
  const reason = replicas.cancelled.get(id);
  return reason instanceof Error && 'reason' in reason ? reason.reason : reason;
}

describe('counting by instance', () => {
  test.each([
    [1, 0, ['x'], 'x'],
    [2, 0, ['x', 'y'], 'x y'],
    [3, 1, three, 'x z'],
    [5, 2, ['x', 'y', 'z', 'v', 'w'], 'x z w'],
  ])(
    '%i replicas of which %i may fail give the first answers',
    async (_n, maxErrors, ids, want) => {
      const replicas = new Replicas({ x: ok(1), y: ok(9), z: ok(2), v: ok(20), w: ok(3) });
      if (maxErrors === 0) await replicas.runtime.runFor(1);
      const set = setOf(ids, { maxErrors });
      const answers = await replicas.settle(doUntilQuorum(set, replicas.ask, options(replicas)));
      expect(answers).toEqual(want.split(' ').map((id) => `from ${id}`));
    },
  );

  test('answers stand in the order of the set, not of their arrival', async () => {
    const replicas = new Replicas({ x: ok(9), y: ok(5), z: ok(1) });
    const answers = await replicas.settle(
      doUntilQuorum(setOf(three), replicas.ask, options(replicas)),
    );
    expect(answers).toEqual(['from x', 'from y', 'from z']);
  });

  test('a failure within the tolerance does not matter', async () => {
    const replicas = new Replicas({ x: failed(1), y: ok(5), z: ok(6) });
    const answers = await replicas.settle(
      doUntilQuorum(setOf(three, { maxErrors: 1 }), replicas.ask, options(replicas)),
    );
    expect(answers).toEqual(['from y', 'from z']);
    expect(replicas.cleaned).toEqual([]);
  });

  test('one failure too many names every replica that failed and why', async () => {
    const replicas = new Replicas({ x: failed(1), y: ok(2), z: failed(3) });
    const error = await replicas.failureOf(
      doUntilQuorum(setOf(three, { maxErrors: 1 }), replicas.ask, options(replicas)),
    );
    expect(error).toMatchObject({
      code: 'ML_RING_QUORUM_FAILED',
      message: '2 of 3 replicas failed, 1 may: x (x:1): down; z (z:1): down',
      cause: down,
      errors: [down, down],
      failures: [{ instance: { id: 'x' } }, { instance: { id: 'z' } }],
    });
    expect(replicas.runtime.now).toBe(3);
    expect(replicas.cleaned).toEqual(['y']);
  });

  test('a call that is not needed is cancelled, not waited for, and its late answer cleaned up', async () => {
    const replicas = new Replicas({ x: ok(1), y: ok(2), z: { afterMs: 50, stubborn: true } });
    await replicas.settle(
      doUntilQuorum(setOf(three, { maxErrors: 1 }), replicas.ask, options(replicas)),
    );
    expect(replicas.runtime.now).toBe(2);
    expect(reasonOf(replicas, 'z')).toBe('quorum-reached');
    expect(replicas.cleaned).toEqual([]);
    await replicas.runtime.runFor(100);
    expect(replicas.cleaned).toEqual(['z']);
  });

  test('late failures vanish without a trace', async () => {
    const replicas = new Replicas({
      x: ok(1),
      y: ok(2),
      z: { afterMs: 50, error: down, stubborn: true },
    });
    const set = setOf(three, { maxErrors: 1 });
    expect(await replicas.settle(doUntilQuorum(set, replicas.ask, options(replicas)))).toHaveLength(
      2,
    );
    await replicas.runtime.runFor(100);
    expect(replicas.cleaned).toEqual([]);
  });

  test('a replica function that throws at once counts as a failed replica', async () => {
    const replicas = new Replicas({});
    const throwing = (): Promise<string> => {
      throw down;
    };
    const error = await replicas.failureOf(
      doUntilQuorum(setOf(three), throwing, options(replicas)),
    );
    expect(error).toMatchObject({ code: 'ML_RING_QUORUM_FAILED', cause: down });
  });

  test('an empty set and one that tolerates everything give no answers and ask nobody', async () => {
    const replicas = new Replicas({});
    for (const set of [setOf([]), setOf(['x'], { maxErrors: 1 })]) {
      expect(await doUntilQuorum(set, replicas.ask, options(replicas))).toEqual([]);
    }
    expect(replicas.asked).toEqual([]);
  });

  test('a cleanup that throws is logged and harms nothing', async () => {
    const replicas = new Replicas({ x: ok(1), y: { afterMs: 2, stubborn: true }, z: ok(3) });
    const log = recordingLogger();
    const cleanup = (): never => {
      throw down;
    };
    const { timers, random } = replicas.runtime;
    const runtime = { timers, random, log };
    const set = setOf(three, { maxErrors: 2 });
    await replicas.settle(doUntilQuorum(set, replicas.ask, { runtime, cleanup }));
    await replicas.runtime.runFor(10);
    expect(log.lines).toMatchObject([{ message: 'cleaning up an answer failed' }]);
  });
});

describe('counting by zone', () => {
  const tolerant = setOf(zones, { maxUnavailableZones: 1 });

  test('only zones in which everybody answered count', async () => {
    const replicas = new Replicas({
      a1: ok(1),
      a2: failed(2),
      b1: ok(1),
      b2: ok(5),
      c1: ok(1),
      c2: ok(9),
    });
    const answers = await replicas.settle(doUntilQuorum(tolerant, replicas.ask, options(replicas)));
    expect(answers).toEqual(['b1', 'b2', 'c1', 'c2'].map((id) => `from ${id}`));
    expect(replicas.cleaned).toEqual(['a1']);
  });

  test('the first failure of a zone cancels its other calls', async () => {
    const replicas = new Replicas({ a1: failed(1), b1: ok(5), b2: ok(5), c1: ok(5), c2: ok(5) });
    await replicas.settle(doUntilQuorum(tolerant, replicas.ask, options(replicas)));
    expect(reasonOf(replicas, 'a2')).toBe('zone-failed');
  });

  test('several failures of one zone are one failed zone', async () => {
    const replicas = new Replicas({
      a1: { afterMs: 1, error: down, stubborn: true },
      a2: { afterMs: 2, error: down, stubborn: true },
      b1: ok(5),
      b2: ok(5),
      c1: ok(5),
      c2: ok(5),
    });
    const answers = await replicas.settle(doUntilQuorum(tolerant, replicas.ask, options(replicas)));
    expect(answers).toHaveLength(4);
  });

  test('a second failed zone ends it, cancels everything and cleans up', async () => {
    const replicas = new Replicas({ a1: failed(1), b1: failed(4), b2: ok(2), c1: ok(3) });
    const error = await replicas.failureOf(
      doUntilQuorum(tolerant, replicas.ask, options(replicas)),
    );
    expect(error).toMatchObject({
      code: 'ML_RING_QUORUM_FAILED',
      failures: [{ instance: { id: 'a1' } }, { instance: { id: 'b1' } }],
    });
    expect(reasonOf(replicas, 'c2')).toBe('quorum-failed');
    expect(new Set(replicas.cleaned)).toEqual(new Set(['b2', 'c1']));
    expect(replicas.cleaned).toHaveLength(2);
  });

  test('a set that counts by zone and tolerates instances is refused', async () => {
    const replicas = new Replicas({});
    const set = { ...tolerant, maxErrors: 1 };
    expect(
      await replicas.failureOf(doUntilQuorum(set, replicas.ask, options(replicas))),
    ).toMatchObject({ code: 'ML_RING_OPTIONS' });
  });
});

describe('minimised requests', () => {
  const minimal = { minimizeRequests: true };

  test('no more replicas are asked than make a quorum, and all evenly often', async () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 300; seed++) {
      const replicas = new Replicas({ x: ok(1), y: ok(1), z: ok(1) }, seed);
      const set = setOf(three, { maxErrors: 1 });
      await replicas.settle(doUntilQuorum(set, replicas.ask, options(replicas, minimal)));
      expect(replicas.ids).toHaveLength(2);
      for (const id of replicas.ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const id of three) expect(counts.get(id)).toBeGreaterThan(160);
  });

  test('a failure brings in one more replica at once', async () => {
    const all = { x: failed(5), y: failed(5), z: failed(5), v: ok(1), w: ok(1) };
    const replicas = new Replicas(all);
    const set = setOf(['x', 'y', 'z', 'v', 'w'], { maxErrors: 3 });
    await replicas.settle(doUntilQuorum(set, replicas.ask, options(replicas, minimal)));
    const failures = replicas.ids.filter((id) => three.includes(id)).length;
    expect(replicas.ids).toHaveLength(2 + failures);
    expect(replicas.asked.every(({ atMs }) => atMs % 5 === 0)).toBe(true);
  });

  test('zones are asked in the wanted order, one more for each that fails', async () => {
    const replicas = new Replicas({
      a1: ok(1),
      a2: ok(1),
      b1: ok(1),
      b2: ok(1),
      c1: failed(3),
      c2: ok(1),
    });
    const order = ['c', 'b', 'a'];
    const set = setOf(zones, { maxUnavailableZones: 1 });
    const answers = await replicas.settle(
      doUntilQuorum(set, replicas.ask, options(replicas, { ...minimal, zoneOrder: () => order })),
    );
    expect(replicas.ids).toEqual(['c1', 'c2', 'b1', 'b2', 'a1', 'a2']);
    expect(replicas.asked.slice(4).every(({ atMs }) => atMs === 3)).toBe(true);
    expect(answers).toEqual(['a1', 'a2', 'b1', 'b2'].map((id) => `from ${id}`));
  });

  test('a zone order that forgets a zone is refused', async () => {
    const replicas = new Replicas({});
    const set = setOf(zones, { maxUnavailableZones: 1 });
    const broken = options(replicas, { zoneOrder: () => ['a', 'b'] });
    expect(await replicas.failureOf(doUntilQuorum(set, replicas.ask, broken))).toMatchObject({
      code: 'ML_RING_OPTIONS',
    });
    expect(replicas.asked).toEqual([]);
  });

  test('hedging adds one replica with each delay that passes', async () => {
    const replicas = new Replicas({});
    const ids = ['x', 'y', 'z', 'v'];
    const controller = new AbortController();
    const pending = doUntilQuorum(
      setOf(ids, { maxErrors: 3 }),
      replicas.ask,
      options(replicas, { ...minimal, hedgingDelayMs: 100, signal: controller.signal }),
    );
    pending.catch(() => {});
    await replicas.runtime.runFor(1000);
    expect(replicas.asked.map(({ atMs }) => atMs)).toEqual([0, 100, 200, 300]);
    controller.abort(down);
    expect(await replicas.failureOf(pending)).toBe(down);
  });

  test('hedging ends with the quorum, and what was held back is never asked', async () => {
    const replicas = new Replicas({ x: ok(150), y: ok(150), z: ok(150) });
    const set = setOf(three, { maxErrors: 2 });
    await replicas.settle(
      doUntilQuorum(set, replicas.ask, options(replicas, { ...minimal, hedgingDelayMs: 100 })),
    );
    await replicas.runtime.runFor(1000);
    expect(replicas.ids).toHaveLength(2);
    expect(replicas.runtime.pendingEvents).toBe(0);
  });

  test('a negative hedging delay is refused', async () => {
    const replicas = new Replicas({});
    const broken = options(replicas, { hedgingDelayMs: -1 });
    expect(
      await replicas.failureOf(doUntilQuorum(setOf(three), replicas.ask, broken)),
    ).toMatchObject({ code: 'ML_RING_OPTIONS' });
  });
});

describe('giving up', () => {
  test('a terminal error ends it as it is, without asking more', async () => {
    const replicas = new Replicas({ x: failed(1), y: failed(1), z: failed(1) });
    const error = await replicas.failureOf(
      doUntilQuorum(
        setOf(three, { maxErrors: 2 }),
        replicas.ask,
        options(replicas, { minimizeRequests: true, isTerminalError: (e) => e === down }),
      ),
    );
    expect(error).toBe(down);
    expect(replicas.ids).toHaveLength(1);
  });

  test("the caller's signal ends all calls with its reason", async () => {
    const replicas = new Replicas({ x: ok(1) });
    const controller = new AbortController();
    const pending = doUntilQuorum(
      setOf(three),
      replicas.ask,
      options(replicas, { signal: controller.signal }),
    );
    pending.catch(() => {});
    await replicas.runtime.runFor(5);
    controller.abort(down);
    expect(await replicas.failureOf(pending)).toBe(down);
    expect(replicas.cancelled.get('z')).toBe(down);
    expect(replicas.cleaned).toEqual(['x']);
  });

  test('a signal that has fired already asks nobody', async () => {
    const replicas = new Replicas({});
    const signal = AbortSignal.abort(down);
    expect(
      await replicas.failureOf(
        doUntilQuorum(setOf(three), replicas.ask, options(replicas, { signal })),
      ),
    ).toBe(down);
    expect(replicas.asked).toEqual([]);
  });
});

describe('signals of returned answers', () => {
  test('fire when the wait is over', async () => {
    const replicas = new Replicas({ x: ok(1) });
    await replicas.settle(doUntilQuorum(setOf(['x']), replicas.ask, options(replicas)));
    expect(reasonOf(replicas, 'x')).toBe('quorum-reached');
  });

  test('stay alive on request, until released or the caller gives up', async () => {
    const replicas = new Replicas({ x: ok(1), y: ok(1), z: { afterMs: 9, stubborn: true } });
    const controller = new AbortController();
    await replicas.settle(
      doUntilQuorum(
        setOf(three, { maxErrors: 1 }),
        replicas.ask,
        options(replicas, { keepSignals: true, signal: controller.signal }),
      ),
    );
    expect([...replicas.cancelled.keys()]).toEqual(['z']);
    replicas.releases.get('x')?.();
    expect(reasonOf(replicas, 'x')).toBe('released');
    controller.abort(down);
    expect(replicas.cancelled.get('y')).toBe(down);
    expect(reasonOf(replicas, 'x')).toBe('released');
  });
});

describe('several sets', () => {
  test('are asked together; their answers stand one set after the other', async () => {
    const replicas = new Replicas({ x: ok(5), y: ok(1), z: ok(1) });
    const sets = [setOf(['x']), setOf(['y', 'z'], { maxErrors: 1 })];
    const answers = await replicas.settle(
      doMultiUntilQuorum(sets, replicas.ask, options(replicas)),
    );
    expect(answers).toEqual(['from x', 'from y']);
    expect(replicas.runtime.now).toBe(5);
  });

  test('the first one that fails cancels the others and frees what they had', async () => {
    const replicas = new Replicas({ x: ok(1), y: failed(2), z: ok(99) });
    const sets = [setOf(['x']), setOf(['y']), setOf(['z'])];
    const error = await replicas.failureOf(
      doMultiUntilQuorum(sets, replicas.ask, options(replicas, { keepSignals: true })),
    );
    expect(error).toMatchObject({ code: 'ML_RING_QUORUM_FAILED', cause: down });
    expect(replicas.cleaned).toEqual(['x']);
    expect(reasonOf(replicas, 'x')).toBe('other-set-failed');
    expect(reasonOf(replicas, 'z')).toBe('other-set-failed');
    expect(replicas.runtime.now).toBe(2);
  });

  test('none at all are refused', async () => {
    const replicas = new Replicas({});
    expect(
      await replicas.failureOf(doMultiUntilQuorum([], replicas.ask, options(replicas))),
    ).toMatchObject({ code: 'ML_RING_OPTIONS' });
  });
});
