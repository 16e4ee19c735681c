import { bench, describe } from 'vitest';
import { seededRandom, sleep } from '../src/index.ts';
import { VirtualRuntime } from '../src/virtual.ts';

const EVENTS = 100_000;

/** As many nodes as a large simulation has, each with one timer that sets itself again. */
async function timers(plain: boolean): Promise<void> {
  const runtime = new VirtualRuntime({ seed: 1 });
  let left = EVENTS;
  for (let i = 0; i < 1000; i++) {
    const { timers: own } = runtime.node(`node-${i}`);
    const again = (): void => {
      if (left-- > 0) own.after(1 + (left % 97), again, { plain });
    };
    own.after(i % 100, again, { plain });
  }
  await runtime.runUntil(() => left <= 0, { limitMs: 1e9, checkEveryMs: 100 });
}

describe('100 000 events of 1000 nodes', () => {
  bench('plain timers', () => timers(true));

  bench('timers', () => timers(false));

  bench('posts', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    let left = EVENTS;
    const again = (): void => {
      if (left-- > 0) runtime.post(1 + (left % 97), again);
    };
    for (let i = 0; i < 1000; i++) runtime.post(i % 100, again);
    await runtime.runUntil(() => left <= 0, { limitMs: 1e9, checkEveryMs: 100 });
  });

  bench('sleeps', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const sleeper = async (): Promise<void> => {
      for (let i = 0; i < EVENTS / 1000; i++) await sleep(runtime, 1 + (i % 97));
    };
    for (let i = 0; i < 1000; i++) void sleeper();
    await runtime.runFor(100_000);
  });
});

describe('random', () => {
  const random = seededRandom(1);
  bench('100 000 floats', () => {
    for (let i = 0; i < EVENTS; i++) random.float();
  });
  bench('100 000 ints', () => {
    for (let i = 0; i < EVENTS; i++) random.int(1000);
  });
});
