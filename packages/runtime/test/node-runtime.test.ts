import { describe, expect, test } from 'vitest';
import { Deferred, sleep } from '../src/index.ts';
import { nodeRuntime } from '../src/node.ts';

describe('nodeRuntime', () => {
  test('never wakes before the deadline on its own clock', async () => {
    const runtime = nodeRuntime();
    for (const ms of [0, 0.4, 1.6, 5]) {
      const woken = new Deferred<number>();
      const timer = runtime.timers.after(ms, () => woken.resolve(runtime.clock.now()));
      expect(await woken.promise).toBeGreaterThanOrEqual(timer.deadline);
    }
  });

  test('a disposed timer does not fire', async () => {
    const runtime = nodeRuntime();
    let ran = 0;
    runtime.timers.after(1, () => ran++)[Symbol.dispose]();
    runtime.timers.every(1, () => ran++)[Symbol.dispose]();
    await sleep(runtime, 5);
    expect(ran).toBe(0);
  });

  test('a wait longer than setTimeout can take does not fire at once', async () => {
    const runtime = nodeRuntime();
    let ran = 0;
    const timer = runtime.timers.after(2 ** 40, () => ran++);
    await sleep(runtime, 5);
    timer[Symbol.dispose]();
    expect(ran).toBe(0);
  });

  test('every repeats until it is disposed', async () => {
    const runtime = nodeRuntime();
    const third = new Deferred<void>();
    let ran = 0;
    const timer = runtime.timers.every(1, () => {
      ran++;
      if (ran === 3) third.resolve();
    });
    await third.promise;
    timer[Symbol.dispose]();
    const after = ran;
    await sleep(runtime, 5);
    expect(ran).toBe(after);
  });

  test('equal seeds give equal streams, no seed gives different ones', () => {
    expect(nodeRuntime({ seed: 5n }).random.bytes(16)).toEqual(
      nodeRuntime({ seed: 5 }).random.bytes(16),
    );
    expect(nodeRuntime().random.bytes(16)).not.toEqual(nodeRuntime().random.bytes(16));
  });

  test('its wall clock is the machine’s', () => {
    const { clock } = nodeRuntime();
    expect(Math.abs(clock.unixMs() - Date.now())).toBeLessThan(1000);
    expect(Number.isInteger(clock.unixMs())).toBe(true);
  });
});
