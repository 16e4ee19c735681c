import { describe, expect, test } from 'vitest';
import { NodeWallClock } from '../src/node-wall-clock.ts';

/** A machine's clock that counts how often it is read. */
function machine(): { unixMs: number; reads: number; readonly read: () => number } {
  const state = {
    unixMs: 1_000,
    reads: 0,
    read: () => {
      state.reads++;
      return state.unixMs;
    },
  };
  return state;
}

function ask(clock: NodeWallClock, times: number): readonly number[] {
  return Array.from({ length: times }, () => clock.unixMs());
}

describe('the wall clock', () => {
  test('is read for each of a few calls', () => {
    const state = machine();
    ask(new NodeWallClock(state.read), 17);
    expect(state.reads).toBe(17);
  });

  test('is read once for 32 calls of a loop, and tells a new millisecond by then', () => {
    const state = machine();
    const clock = new NodeWallClock(state.read);
    ask(clock, 17);
    expect(new Set(ask(clock, 3200))).toEqual(new Set([1_000]));
    expect(state.reads).toBe(17 + 100);
    state.unixMs = 1_001;
    expect(clock.unixMs()).toBe(1_001);
    expect(new Set(ask(clock, 10))).toEqual(new Set([1_001]));
    expect(state.reads).toBe(17 + 100 + 11);
  });

  test('forgets a reading when the run of code ends', async () => {
    const state = machine();
    const clock = new NodeWallClock(state.read);
    for (let run = 0; run < 3; run++) {
      ask(clock, 20);
      state.unixMs += 60_000;
      expect(clock.unixMs()).toBe(state.unixMs - 60_000);
      await undefined;
      expect(clock.unixMs()).toBe(state.unixMs);
    }
  });

  test('follows a clock that is set back', async () => {
    const state = machine();
    const clock = new NodeWallClock(state.read);
    ask(clock, 100);
    state.unixMs = 500;
    await undefined;
    expect(new Set(ask(clock, 100))).toEqual(new Set([500]));
  });
});
