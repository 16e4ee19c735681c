import { describe, expect, test } from 'vitest';
import { Deferred, recordingLogger, sleep } from '../src/index.ts';
import { PlainEventError, SimulationStalledError, VirtualRuntime } from '../src/virtual.ts';

describe('the time line', () => {
  test('events run by time, and in the order of registration at equal times', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const seen: string[] = [];
    runtime.timers.after(20, () => seen.push(`c@${runtime.now}`));
    runtime.timers.after(10, () => seen.push(`a@${runtime.now}`));
    runtime.timers.after(10, () => seen.push(`b@${runtime.now}`));
    await runtime.runFor(30);
    expect(seen).toEqual(['a@10', 'b@10', 'c@20']);
    expect(runtime.now).toBe(30);
  });

  test('an event due at the very end of a run still happens in it', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let ran = 0;
    runtime.timers.after(10, () => ran++);
    await runtime.runFor(10);
    expect(ran).toBe(1);
  });

  test('a cancelled timer never fires, also when cancelled at its own due time', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const seen: string[] = [];
    const second = { timer: runtime.timers.after(50, () => seen.push('never')) };
    runtime.timers.after(10, () => second.timer[Symbol.dispose]());
    second.timer[Symbol.dispose]();
    second.timer = runtime.timers.after(10, () => seen.push('never'));
    await runtime.runFor(100);
    expect(seen).toEqual([]);
    expect(runtime.pendingEvents).toBe(0);
  });

  test('disposing a timer that has run does not cancel a later one', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let ran = 0;
    const first = runtime.timers.after(1, () => ran++);
    await runtime.runFor(5);
    runtime.timers.after(1, () => ran++);
    first[Symbol.dispose]();
    await runtime.runFor(5);
    expect(ran).toBe(2);
  });

  test('a negative delay counts as none, and NaN is refused', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let at = -1;
    runtime.timers.after(-5, () => {
      at = runtime.now;
    });
    await runtime.runFor(1);
    expect(at).toBe(0);
    expect(() => runtime.timers.after(Number.NaN, () => {})).toThrow(TypeError);
  });

  test('a timer fires exactly at its deadline, and float noise costs no microsecond', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    await runtime.runFor(0.1);
    for (const ms of [1.1, 2.3, 0.0004, 200]) {
      let at = -1;
      const timer = runtime.timers.after(ms, () => {
        at = runtime.clock.now();
      });
      await runtime.runUntil(() => at >= 0, { limitMs: 1000 });
      expect(at).toBe(timer.deadline);
    }
    expect(runtime.now).toBe(203.501);
  });

  test('a loop of timers of 0 ms ends in an error, not in an endless run', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const again = (): void => runtime.post(0, again);
    again();
    await expect(runtime.runFor(10)).rejects.toThrow(/time stands still at 0 ms/);
  });

  test('many timers, many of them cancelled, run in the order of a plain sort', async () => {
    const runtime = new VirtualRuntime({ seed: 7 });
    const random = runtime.random.fork('test');
    const expected: { at: number; id: number }[] = [];
    const seen: number[] = [];
    for (let id = 0; id < 20_000; id++) {
      const at = random.int(5000);
      const timer = runtime.timers.after(at, () => seen.push(id), { plain: true });
      if (random.int(3) > 0) timer[Symbol.dispose]();
      else expected.push({ at, id });
    }
    expect(runtime.pendingEvents).toBe(expected.length);
    await runtime.runFor(5000);
    expect(seen).toEqual(expected.sort((a, b) => a.at - b.at || a.id - b.id).map((e) => e.id));
  });

  test('an exception in a callback fails the run, and the next run goes on after it', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let ran = 0;
    runtime.timers.after(1, () => {
      throw new RangeError('broken');
    });
    runtime.timers.after(2, () => ran++);
    await expect(runtime.runFor(10)).rejects.toThrow('broken');
    await runtime.runFor(10);
    expect(ran).toBe(1);
  });

  test('two runs at a time are refused', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const first = runtime.runFor(10);
    await expect(runtime.runFor(10)).rejects.toThrow('under way');
    await first;
  });

  test('a signal ends a run between two events', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const controller = new AbortController();
    runtime.timers.after(5, () => controller.abort(new RangeError('enough')));
    await expect(runtime.runFor(10, { signal: controller.signal })).rejects.toThrow('enough');
    expect(runtime.now).toBe(5);
  });
});

describe('continuations', () => {
  test('time stands still until the promise chains that an event set off have ended', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const seen: number[] = [];
    const chain = async (): Promise<void> => {
      for (let i = 0; i < 100; i++) await undefined;
      seen.push(runtime.now);
    };
    runtime.timers.after(1, () => void chain());
    runtime.timers.after(2, () => seen.push(-1));
    await runtime.runFor(10);
    expect(seen).toEqual([1, -1]);
  });

  test('a plain event that settles a deferred lets its continuations run first', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const deferred = new Deferred<void>();
    const seen: string[] = [];
    const wait = async (): Promise<void> => {
      await deferred.promise;
      await undefined;
      seen.push(`woken at ${runtime.now}`);
    };
    const waiting = wait();
    runtime.post(1, () => deferred.resolve());
    runtime.post(2, () => seen.push('later event'));
    await runtime.runFor(10);
    await waiting;
    expect(seen).toEqual(['woken at 1', 'later event']);
  });

  test('what was set off before a run comes to rest before its first event', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const seen: string[] = [];
    const start = async (): Promise<void> => {
      await undefined;
      await undefined;
      seen.push('started');
    };
    void start();
    runtime.post(0, () => seen.push('event'));
    await runtime.runFor(0);
    expect(seen).toEqual(['started', 'event']);
  });

  test('sleepers wake in order at their own times', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const seen: string[] = [];
    const sleeper = async (name: string, ms: number): Promise<void> => {
      for (let i = 0; i < 2; i++) {
        await sleep(runtime, ms);
        seen.push(`${name}@${runtime.now}`);
      }
    };
    void sleeper('a', 10);
    void sleeper('b', 7);
    await runtime.runFor(100);
    expect(seen).toEqual(['b@7', 'a@10', 'b@14', 'a@20']);
  });
});

describe('checkPlain', () => {
  test('fails the run in which a plain event left a continuation behind', async () => {
    const runtime = new VirtualRuntime({ seed: 1, checkPlain: true });
    const sloppy = async (): Promise<void> => {
      await undefined;
    };
    runtime.post(5, () => void sloppy());
    await expect(runtime.runFor(10)).rejects.toThrow(PlainEventError);
    expect(runtime.now).toBe(5);
  });

  test('has nothing against plain events that note what they do, or only wait', async () => {
    const runtime = new VirtualRuntime({ seed: 1, checkPlain: true });
    const woken: number[] = [];
    const wait = async (): Promise<void> => {
      await sleep(runtime, 3);
      woken.push(runtime.now);
    };
    runtime.post(5, () => void wait());
    runtime.post(6, () => {});
    await runtime.runFor(10);
    expect(woken).toEqual([8]);
  });
});

describe('runUntil', () => {
  test('ends as soon as the condition holds', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let ticks = 0;
    runtime.timers.every(10, () => ticks++);
    await runtime.runUntil(() => ticks === 3, { limitMs: 1000 });
    expect(runtime.now).toBe(30);
  });

  test('with checkEveryMs asks no more often than that', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let asked = 0;
    runtime.timers.every(1, () => {}, { plain: true });
    const done = (): boolean => {
      asked++;
      return false;
    };
    await expect(runtime.runUntil(done, { limitMs: 100, checkEveryMs: 20 })).rejects.toThrow();
    expect(asked).toBeLessThanOrEqual(7);
    expect(asked).toBeGreaterThanOrEqual(5);
  });

  test('says so when the limit passes', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    runtime.timers.every(10, () => {});
    const run = runtime.runUntil(() => false, { limitMs: 95 });
    await expect(run).rejects.toThrow(SimulationStalledError);
    expect(runtime.now).toBe(95);
  });

  test('says so when nothing is left to happen', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    runtime.timers.after(10, () => {});
    const run = runtime.runUntil(() => false, { limitMs: 1e9 });
    await expect(run).rejects.toThrow(/nothing is left to happen at 10 ms/);
  });
});

describe('nodes', () => {
  test('a wall clock may be skewed and may jump; the monotonic clock never is', async () => {
    const runtime = new VirtualRuntime({ seed: 1, startUnixMs: 1_000_000 });
    const node = runtime.node('a', { clockSkewMs: 250 });
    await runtime.runFor(100);
    expect(node.clock.unixMs()).toBe(1_000_350);
    node.setSkewMs(-50);
    expect(node.clock.unixMs()).toBe(1_000_050);
    expect(node.clockSkewMs).toBe(-50);
    expect(node.clock.now()).toBe(100);
    expect(runtime.clock.unixMs()).toBe(1_000_100);
  });

  test('while a node is paused its events wait; then they happen at once, in order', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const node = runtime.node('a');
    const other = runtime.node('b');
    const seen: string[] = [];
    node.timers.after(10, () => seen.push(`timer 10@${runtime.now}`));
    node.post(20, () => seen.push(`post 20@${runtime.now}`));
    node.timers.after(90, () => seen.push(`timer 90@${runtime.now}`));
    other.timers.after(15, () => seen.push(`other@${runtime.now}`));
    node.pause();
    expect(node.paused).toBe(true);
    await runtime.runFor(50);
    expect(seen).toEqual(['other@15']);
    node.resume();
    await runtime.runFor(100);
    expect(seen.slice(1)).toEqual(['timer 10@50', 'post 20@50', 'timer 90@90']);
  });

  test('a timer that fell due during a pause can still be cancelled', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const node = runtime.node('a');
    let ran = 0;
    const timer = node.timers.after(10, () => ran++);
    node.timers.after(10, () => ran++);
    node.pause();
    await runtime.runFor(50);
    timer[Symbol.dispose]();
    node.resume();
    await runtime.runFor(50);
    expect(ran).toBe(1);
  });

  test('nothing of a crashed node runs any more, and its next life is another stream', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const first = runtime.node('a');
    let ran = 0;
    first.timers.every(10, () => ran++);
    await runtime.runFor(25);
    first.pause();
    await runtime.runFor(25);
    first.crash();
    first.resume();
    await runtime.runFor(100);
    expect(ran).toBe(2);
    expect(first.crashed).toBe(true);
    expect(runtime.pendingEvents).toBe(0);
    const second = runtime.node('a');
    expect(second.random.bytes(16)).not.toEqual(
      new VirtualRuntime({ seed: 1 }).node('a').random.bytes(16),
    );
  });

  test('the stream of a node depends on the seed and its name alone', () => {
    const one = new VirtualRuntime({ seed: 5n });
    const two = new VirtualRuntime({ seed: 5n });
    two.node('other').random.float();
    two.random.float();
    expect(one.node('a').random.bytes(32)).toEqual(two.node('a').random.bytes(32));
  });

  test('log lines carry the node and the virtual time', async () => {
    const log = recordingLogger();
    const runtime = new VirtualRuntime({ seed: 1, log });
    const node = runtime.node('a');
    node.timers.after(12.5, () => node.log.child({ part: 'x' }).warn({ peer: 'b' }, 'suspect'));
    await runtime.runFor(20);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        fields: { part: 'x', node: 'a', virtualMs: 12.5, peer: 'b' },
        message: 'suspect',
      },
    ]);
  });
});

describe('every', () => {
  test('keeps its period without drift', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const at: number[] = [];
    const timer = runtime.timers.every(2.5, () => at.push(runtime.now));
    expect(timer.deadline).toBe(2.5);
    await runtime.runFor(10);
    expect(at).toEqual([2.5, 5, 7.5, 10]);
    timer[Symbol.dispose]();
    await runtime.runFor(10);
    expect(at).toHaveLength(4);
  });

  test('can be stopped from within its callback', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let ran = 0;
    const timer = runtime.timers.every(1, () => {
      ran++;
      timer[Symbol.dispose]();
    });
    await runtime.runFor(10);
    expect(ran).toBe(1);
    expect(runtime.pendingEvents).toBe(0);
  });

  test('with jitter each period lies within its bounds, and the mean is the period', async () => {
    const runtime = new VirtualRuntime({ seed: 3 });
    const gaps: number[] = [];
    let before = 0;
    runtime.timers.every(
      100,
      () => {
        gaps.push(runtime.now - before);
        before = runtime.now;
      },
      { jitter: 0.2 },
    );
    await runtime.runFor(200_000);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(79.9);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(120.1);
    expect(gaps.length).toBeGreaterThan(1980);
    expect(gaps.length).toBeLessThan(2020);
  });

  test('after a pause, periods that were missed are skipped', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const node = runtime.node('a');
    const at: number[] = [];
    node.timers.every(10, () => at.push(runtime.now));
    await runtime.runFor(10);
    node.pause();
    await runtime.runFor(55);
    node.resume();
    await runtime.runFor(20);
    expect(at).toEqual([10, 65, 75, 85]);
  });
});
