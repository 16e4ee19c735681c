import { expect, test } from 'vitest';
import { warmUpRing } from '../src/index.ts';
import { world } from './support/lifecyclers.ts';

test('a warm-up takes many turns but no time, and leaves nothing behind', async () => {
  const { runtime, settle } = world();
  let turns = 0;
  const counted = {
    clock: runtime.clock,
    random: runtime.random,
    log: runtime.log,
    timers: {
      every: runtime.timers.every.bind(runtime.timers),
      after: (ms: number, run: () => void) => {
        turns += 1;
        return runtime.timers.after(ms, run);
      },
    },
  };
  const startedMs = runtime.clock.unixMs();
  await settle(warmUpRing(counted));
  expect(runtime.clock.unixMs()).toBe(startedMs);
  expect(turns).toBeGreaterThan(100);
  expect(runtime.pendingEvents).toBe(0);
});
