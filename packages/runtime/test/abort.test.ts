import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import {
  AbortedError,
  abortReason,
  MlError,
  onAbort,
  sleep,
  TimeoutError,
  throwIfAborted,
  withTimeout,
} from '../src/index.ts';
import { VirtualRuntime } from '../src/virtual.ts';

describe('abortReason', () => {
  test('is the reason that was given, or an AbortedError if none was', () => {
    const own = new RangeError('mine');
    expect(abortReason(AbortSignal.abort(own), 'a wait')).toBe(own);
    const error = abortReason(AbortSignal.abort(), 'a wait');
    expect(error).toBeInstanceOf(AbortedError);
    expect(error).toMatchObject({ message: 'a wait was aborted', code: 'ML_ABORTED' });
  });

  test('throwIfAborted throws it, and nothing before the signal has fired', () => {
    expect(() => throwIfAborted(AbortSignal.abort(), 'a wait')).toThrow(AbortedError);
    expect(() => throwIfAborted(new AbortController().signal, 'a wait')).not.toThrow();
    expect(() => throwIfAborted(undefined, 'a wait')).not.toThrow();
  });
});

describe('onAbort', () => {
  test('puts one listener on a signal, however many wait for it', () => {
    const controller = new AbortController();
    let fired = 0;
    const links = Array.from({ length: 20 }, () =>
      onAbort(controller.signal, () => {
        fired += 1;
      }),
    );
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    for (const link of links.slice(5)) link[Symbol.dispose]();
    controller.abort();
    expect(fired).toBe(5);
  });

  test('skips who is disposed by another while the signal fires', () => {
    const controller = new AbortController();
    const seen: string[] = [];
    onAbort(controller.signal, () => {
      seen.push('first');
      second[Symbol.dispose]();
    });
    const second = onAbort(controller.signal, () => seen.push('second'));
    onAbort(controller.signal, () => seen.push('third'));
    controller.abort();
    expect(seen).toEqual(['first', 'third']);
  });

  test('calls once when the signal fires, at once if it has, never after disposal', () => {
    const seen: string[] = [];
    const controller = new AbortController();
    onAbort(controller.signal, () => seen.push('kept'));
    onAbort(controller.signal, () => seen.push('disposed'))[Symbol.dispose]();
    controller.abort();
    onAbort(controller.signal, () => seen.push('late'));
    onAbort(undefined, () => seen.push('never'));
    expect(seen).toEqual(['kept', 'late']);
  });
});

describe('sleep', () => {
  test('rejects at once when its signal has fired, and leaves no timer', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    await expect(sleep(runtime, 10, { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    expect(runtime.pendingEvents).toBe(0);
  });

  test('rejects when its signal fires, and leaves no timer', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const controller = new AbortController();
    const rejects = expect(sleep(runtime, 100, { signal: controller.signal })).rejects.toThrow('x');
    runtime.timers.after(5, () => controller.abort(new RangeError('x')));
    await runtime.runFor(5);
    await rejects;
    expect(runtime.pendingEvents).toBe(0);
  });
});

describe('withTimeout', () => {
  const obedient =
    (runtime: VirtualRuntime, ms: number) =>
    async (signal: AbortSignal): Promise<string> => {
      await sleep(runtime, ms, { signal });
      return 'done';
    };

  test('has the outcome of work that is in time, and leaves no timer', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const work = withTimeout(runtime, { limitMs: 50, what: 'a job' }, obedient(runtime, 10));
    await runtime.runFor(10);
    expect(await work).toBe('done');
    expect(runtime.pendingEvents).toBe(0);
  });

  test('makes late work reject with a TimeoutError that says what and how long', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const work = withTimeout(runtime, { limitMs: 50, what: 'a job' }, obedient(runtime, 90));
    const error: Promise<unknown> = work.catch((reason: unknown) => reason);
    await runtime.runFor(50);
    expect(await error).toBeInstanceOf(TimeoutError);
    expect(await error).toMatchObject({ message: 'a job did not finish within 50 ms' });
    expect(runtime.pendingEvents).toBe(0);
  });

  test('passes the caller’s signal on, with its reason', async () => {
    const runtime = new VirtualRuntime({ seed: 1 });
    const controller = new AbortController();
    const options = { limitMs: 50, what: 'a job', signal: controller.signal };
    const rejects = expect(withTimeout(runtime, options, obedient(runtime, 90))).rejects.toThrow(
      'x',
    );
    controller.abort(new RangeError('x'));
    await rejects;
    expect(runtime.pendingEvents).toBe(0);
    await expect(withTimeout(runtime, options, obedient(runtime, 1))).rejects.toThrow('x');
  });

  test('with a limit of 0 or infinity never fires', async () => {
    for (const limitMs of [0, Number.POSITIVE_INFINITY]) {
      const runtime = new VirtualRuntime({ seed: 1 });
      const work = withTimeout(runtime, { limitMs, what: 'a job' }, obedient(runtime, 1e6));
      await runtime.runFor(1e6);
      expect(await work).toBe('done');
    }
  });
});

describe('MlError', () => {
  test('is known by its brand and code, also across copies of the class', () => {
    const error = new TimeoutError('x', 1, { cause: 'c' });
    expect(error.name).toBe('TimeoutError');
    expect(error.cause).toBe('c');
    expect(MlError.is(error)).toBe(true);
    expect(MlError.is(error, 'ML_TIMEOUT')).toBe(true);
    expect(MlError.is(error, 'ML_ABORTED')).toBe(false);
    expect(MlError.is(new RangeError('x'))).toBe(false);
    const copy = Object.assign(new RangeError('x'), { [Symbol.for('@ml/error')]: true, code: 'A' });
    expect(MlError.is(copy, 'A')).toBe(true);
  });
});
