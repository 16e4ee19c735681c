import { describe, expect, test } from 'vitest';
import { Latest, sleep } from '../src/index.ts';
import { VirtualRuntime } from '../src/virtual.ts';

describe('Latest', () => {
  test('a slow reader skips to the newest value', async () => {
    const runtime = new VirtualRuntime({ seed: 1, checkPlain: true });
    const latest = new Latest<number>();
    const seen: string[] = [];
    const read = async (name: string, pauseMs: number): Promise<void> => {
      for await (const value of latest) {
        seen.push(`${name}${value}@${runtime.now}`);
        await sleep(runtime, pauseMs);
      }
      seen.push(`${name} ended`);
    };
    const readers = [read('fast', 1), read('slow', 25)];
    for (let i = 1; i <= 4; i++) runtime.post(10 * i, () => latest.set(i));
    runtime.post(50, () => latest.close());
    await runtime.runFor(200);
    await Promise.all(readers);
    expect(seen.filter((line) => line.startsWith('fast'))).toEqual([
      'fast1@10',
      'fast2@20',
      'fast3@30',
      'fast4@40',
      'fast ended',
    ]);
    expect(seen.filter((line) => line.startsWith('slow'))).toEqual([
      'slow1@10',
      'slow3@35',
      'slow4@60',
      'slow ended',
    ]);
  });

  test('a new reader starts with the current value, which may be undefined', async () => {
    const latest = new Latest<string | undefined>();
    latest.set('a');
    latest.set(undefined);
    const reader = latest.values();
    expect(await reader.next()).toEqual({ done: false, value: undefined });
  });

  test('the value set last before the end is still read; afterwards nothing is taken', async () => {
    const latest = new Latest<number>();
    latest.set(1);
    latest.close();
    latest.set(2);
    const reader = latest.values();
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    expect((await reader.next()).done).toBe(true);
    expect((await reader.next()).done).toBe(true);
    expect(latest.current).toBe(1);
    expect(latest.closed).toBe(true);
  });

  test('fail ends readers with the error, after the value they have not had', async () => {
    const latest = new Latest<number>();
    const reader = latest.values();
    latest.set(1);
    latest.fail(new RangeError('lost'));
    expect((await reader.next()).value).toBe(1);
    await expect(reader.next()).rejects.toThrow('lost');
    expect((await reader.next()).done).toBe(true);
  });

  test('a signal makes a pending and every later read reject with its reason', async () => {
    const latest = new Latest<number>();
    const controller = new AbortController();
    const reader = latest.values({ signal: controller.signal });
    const pending = reader.next();
    controller.abort(new RangeError('stop'));
    await expect(pending).rejects.toThrow('stop');
    latest.set(1);
    await expect(reader.next()).rejects.toThrow('stop');
  });

  test('return ends a read that is pending', async () => {
    const latest = new Latest<number>();
    const reader = latest.values();
    const pending = reader.next();
    await reader.return?.();
    expect((await pending).done).toBe(true);
    latest.set(1);
    expect((await reader.next()).done).toBe(true);
  });

  test('two reads at a time get two different values', async () => {
    const latest = new Latest<number>();
    const reader = latest.values();
    const both = [reader.next(), reader.next()];
    latest.set(1);
    await both[0];
    latest.set(2);
    expect((await Promise.all(both)).map(({ value }) => value)).toEqual([1, 2]);
  });
});
