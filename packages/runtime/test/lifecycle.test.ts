import { describe, expect, test } from 'vitest';
import { CloseError, Closer, Deferred, MlError } from '../src/index.ts';

describe('Closer', () => {
  test('closes its parts in reverse order, each after the one before has finished', async () => {
    const seen: string[] = [];
    const closer = new Closer('a test');
    closer.defer(() => seen.push('first in'));
    closer.use({
      [Symbol.asyncDispose]: async () => {
        seen.push('begins');
        await undefined;
        seen.push('ends');
      },
    });
    closer.use({ [Symbol.dispose]: () => seen.push('last in') });
    await closer.close();
    expect(seen).toEqual(['last in', 'begins', 'ends', 'first in']);
  });

  test('closing again waits for the closing under way and does nothing twice', async () => {
    const gate = new Deferred<void>();
    let steps = 0;
    const closer = new Closer('a test');
    closer.defer(async () => {
      steps++;
      await gate.promise;
    });
    const closings = [closer.close(), closer.close(), closer[Symbol.asyncDispose]()];
    expect(closer.closing).toBe(true);
    gate.resolve();
    await Promise.all(closings);
    await closer.close();
    expect(steps).toBe(1);
  });

  test('no failure keeps a part open; all failures come in one error', async () => {
    let closed = 0;
    const closer = new Closer('the store');
    closer.defer(() => closed++);
    closer.defer(() => Promise.reject(new RangeError('one')));
    closer.defer(() => {
      throw new RangeError('two');
    });
    closer.defer(() => closed++);
    const error: unknown = await closer.close().catch((reason: unknown) => reason);
    expect(closed).toBe(2);
    expect(error).toBeInstanceOf(CloseError);
    expect(error).toBeInstanceOf(AggregateError);
    expect(MlError.is(error, 'ML_CLOSE')).toBe(true);
    expect(error).toMatchObject({
      message: 'closing the store failed in 2 of its parts: two; one',
      errors: [{ message: 'two' }, { message: 'one' }],
    });
  });

  test('its signal fires before the first part is closed', async () => {
    const closer = new Closer('a test');
    let aborted = false;
    closer.defer(() => {
      aborted = closer.signal.aborted;
    });
    expect(closer.signal.aborted).toBe(false);
    await closer.close();
    expect(aborted).toBe(true);
  });

  test('a part that arrives during closing is closed too; afterwards it is refused', async () => {
    const closer = new Closer('a test');
    let closed = 0;
    closer.defer(() => closer.defer(() => closed++));
    await closer.close();
    expect(closed).toBe(1);
    expect(() => closer.defer(() => {})).toThrow(TypeError);
  });
});
