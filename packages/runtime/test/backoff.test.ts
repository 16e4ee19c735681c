import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backoff, seededRandom } from '../src/index.ts';
import { VirtualRuntime } from '../src/virtual.ts';

describe('Backoff', () => {
  test('the k-th wait lies in [min·2^k, min·2^(k+1)), both ends capped', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 60_000 }),
        fc.bigInt(),
        (minMs, maxMs, seed) => {
          const backoff = new Backoff({ minMs, maxMs, maxRetries: 0 }, seededRandom(seed));
          // The range stops moving when its upper end has reached the cap.
          let k = 0;
          for (let i = 0; i < 30; i++) {
            const low = Math.min(minMs * 2 ** k, maxMs);
            const high = Math.min(minMs * 2 ** (k + 1), maxMs);
            const delay = backoff.nextDelayMs();
            expect(delay).toBeGreaterThanOrEqual(low);
            if (high > low) expect(delay).toBeLessThan(high);
            else expect(delay).toBe(low);
            if (high < maxMs) k++;
          }
        },
      ),
    );
  });

  test('allows as many attempts as it was told, and does not wait after the last', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const options = { minMs: 1000, maxMs: 1000, maxRetries: 3 };
    const attempts: number[] = [];
    const run = async (): Promise<void> => {
      const backoff = new Backoff(options, runtime.random);
      for (; backoff.ongoing; await backoff.wait(runtime)) attempts.push(runtime.now);
      expect(backoff.retries).toBe(3);
      expect(runtime.now).toBe(2000);
    };
    const running = run();
    await runtime.runFor(10_000);
    await running;
    expect(attempts).toEqual([0, 1000, 2000]);
  });

  test('reset starts over', () => {
    const backoff = new Backoff({ minMs: 10, maxMs: 10_000, maxRetries: 2 }, seededRandom(1));
    backoff.nextDelayMs();
    backoff.nextDelayMs();
    expect(backoff.ongoing).toBe(false);
    backoff.reset();
    expect(backoff.ongoing).toBe(true);
    expect(backoff.nextDelayMs()).toBeLessThan(20);
  });

  test('a signal ends the wait with its reason', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const controller = new AbortController();
    const backoff = new Backoff({ minMs: 1000, maxMs: 1000, maxRetries: 0 }, runtime.random);
    const waiting = backoff.wait(runtime, { signal: controller.signal });
    runtime.post(10, () => controller.abort(new RangeError('stop')));
    const outcome = expect(waiting).rejects.toThrow('stop');
    await runtime.runFor(100);
    await outcome;
    await expect(backoff.wait(runtime, { signal: controller.signal })).rejects.toThrow('stop');
    expect(runtime.pendingEvents).toBe(0);
  });
});
