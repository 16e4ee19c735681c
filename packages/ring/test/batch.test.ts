import { Deferred } from '@ml/runtime';
import { VirtualRuntime } from '@ml/runtime/virtual';
import { describe, expect, test } from 'vitest';
import { type BatchRing, doBatch } from '../src/batch.ts';
import { EmptyRingError, type InstanceDesc, Write } from '../src/index.ts';
import { Replicas, setOf } from './support/replicas.ts';
import { requestVectors } from './support/request-vectors.ts';

class StatusError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`status ${status}`);
    this.status = status;
  }
}

const family = { '4xx': 400, '5xx': 503 } as const;

/** A ring in which every key goes to the instances that `place` names. */
function ringOf(place: (key: number) => readonly string[], maxErrors = 0): BatchRing {
  return {
    instances: setOf(['any']).instances,
    get: (key) => setOf(place(key), { maxErrors }),
  };
}

/** Sends that end when the test says so. */
function controlled() {
  const sends = new Map<string, { readonly indexes: readonly number[]; end: Deferred<void> }>();
  const signals = new Map<string, AbortSignal>();
  return {
    sends,
    signals,
    send: (
      { id }: InstanceDesc,
      indexes: readonly number[],
      { signal }: { readonly signal: AbortSignal },
    ): Promise<void> => {
      const end = new Deferred<void>();
      sends.set(id, { indexes, end });
      signals.set(id, signal);
      return end.promise;
    },
  };
}

/** What a promise has come to so far. */
function outcomeOf(promise: Promise<unknown>): { now: unknown } {
  const outcome: { now: unknown } = { now: 'pending' };
  promise.then(
    () => {
      outcome.now = 'ok';
    },
    (error: unknown) => {
      outcome.now = error;
    },
  );
  return outcome;
}

const drain = (): Promise<void> => new VirtualRuntime({ seed: 1 }).runFor(0);

describe('one key', () => {
  test.each(requestVectors.doBatch.cases)(
    '$replicas replicas, $maxErrors may fail: $completionOrder ends with $result',
    async ({ completionOrder, maxErrors, replicas, result }) => {
      const ids = ['x', 'y', 'z', 'v', 'w'].slice(0, replicas);
      const { send, sends } = controlled();
      const ring = ringOf(() => ids, maxErrors);
      const outcome = outcomeOf(doBatch({ ring, operation: Write }, [1], send));
      for (const [i, end] of completionOrder.entries()) {
        const { end: deferred } = sends.get(ids[i] ?? '') ?? { end: new Deferred<void>() };
        if (end === 'ok') deferred.resolve();
        else deferred.reject(new StatusError(family[end]));
        await drain();
      }
      if (result === 'ok') {
        expect(outcome.now).toBe('ok');
      } else {
        expect(outcome.now).toMatchObject({
          code: 'ML_RING_BATCH_FAILED',
          cause: { status: family[result] },
          clientError: result === '4xx',
        });
      }
    },
  );

  test('that failed is named with its replicas and their errors', async () => {
    const { send, sends } = controlled();
    const ring = ringOf(() => ['x', 'y', 'z'], 1);
    const outcome = outcomeOf(doBatch({ ring, operation: Write }, [77], send));
    sends.get('x')?.end.reject(new StatusError(500));
    sends.get('z')?.end.reject(new StatusError(502));
    await drain();
    expect(outcome.now).toMatchObject({
      key: 77,
      index: 0,
      message:
        'key 77 (number 0 of the batch) did not reach enough replicas: x (x:1): status 500; z (z:1): status 502',
      failures: [{ instance: { id: 'x' } }, { instance: { id: 'z' } }],
    });
  });
});

describe('many keys', () => {
  test('go to each address once, with all keys that it holds', async () => {
    const { send, sends } = controlled();
    const ring = ringOf((key) => (key % 2 === 0 ? ['x', 'y'] : ['y', 'z']));
    const outcome = outcomeOf(doBatch({ ring, operation: Write }, [10, 11, 12], send));
    expect([...sends].map(([id, { indexes }]) => [id, indexes])).toEqual([
      ['x', [0, 2]],
      ['y', [0, 1, 2]],
      ['z', [1]],
    ]);
    for (const { end } of sends.values()) end.resolve();
    await drain();
    expect(outcome.now).toBe('ok');
  });

  test('are done when the last one has its quorum; the other sends go on', async () => {
    const { send, sends, signals } = controlled();
    let cleanups = 0;
    const cleanup = (): void => {
      cleanups++;
    };
    const ring = ringOf((key) => (key === 1 ? ['x', 'y', 'z'] : ['y', 'z', 'v']), 1);
    const outcome = outcomeOf(doBatch({ ring, operation: Write }, [1, 2], send, { cleanup }));
    sends.get('x')?.end.resolve();
    sends.get('y')?.end.resolve();
    await drain();
    expect(outcome.now).toBe('pending');
    sends.get('v')?.end.resolve();
    await drain();
    expect(outcome.now).toBe('ok');
    expect(signals.get('z')?.aborted).toBe(false);
    expect(cleanups).toBe(0);
    sends.get('z')?.end.reject(new StatusError(500));
    await drain();
    expect(cleanups).toBe(1);
  });

  test('a key that has its quorum cannot fail the batch any more', async () => {
    const { send, sends } = controlled();
    const ring = ringOf((key) => (key === 1 ? ['x', 'y', 'z'] : ['v']), 1);
    const outcome = outcomeOf(
      doBatch(
        {
          ring: {
            ...ring,
            get: (key) =>
              setOf(key === 1 ? ['x', 'y', 'z'] : ['v'], { maxErrors: key === 1 ? 1 : 0 }),
          },
          operation: Write,
        },
        [1, 2],
        send,
      ),
    );
    sends.get('x')?.end.resolve();
    sends.get('y')?.end.resolve();
    sends.get('z')?.end.reject(new StatusError(500));
    await drain();
    expect(outcome.now).toBe('pending');
    sends.get('v')?.end.resolve();
    await drain();
    expect(outcome.now).toBe('ok');
  });

  test('none are sent nowhere', async () => {
    const { send, sends } = controlled();
    await doBatch({ ring: ringOf(() => ['x']), operation: Write }, [], send);
    expect(sends.size).toBe(0);
  });
});

describe('cleaning up happens once', () => {
  const count = () => {
    const counter = { calls: 0, cleanup: () => {} };
    counter.cleanup = () => {
      counter.calls++;
    };
    return counter;
  };

  test('when the ring is empty', async () => {
    const counter = count();
    const ring: BatchRing = { instances: [], get: () => setOf([]) };
    await expect(doBatch({ ring, operation: Write }, [1], async () => {}, counter)).rejects.toThrow(
      EmptyRingError,
    );
    expect(counter.calls).toBe(1);
  });

  test('when a key cannot be looked up, and nothing is sent', async () => {
    const counter = count();
    const { send, sends } = controlled();
    const ring: BatchRing = {
      instances: setOf(['x']).instances,
      get: (key) => {
        if (key === 2) throw new EmptyRingError();
        return setOf(['x']);
      },
    };
    await expect(doBatch({ ring, operation: Write }, [1, 2], send, counter)).rejects.toThrow(
      EmptyRingError,
    );
    expect([counter.calls, sends.size]).toEqual([1, 0]);
  });

  test('when the signal had fired before', async () => {
    const counter = count();
    const { send, sends } = controlled();
    const reason = new TypeError('gone');
    const signal = AbortSignal.abort(reason);
    const batch = doBatch({ ring: ringOf(() => ['x']), operation: Write }, [1], send, {
      ...counter,
      signal,
    });
    await expect(batch).rejects.toBe(reason);
    expect([counter.calls, sends.size]).toEqual([1, 0]);
  });

  test('when the signal fires while sends are under way, after the last of them', async () => {
    const counter = count();
    const { send, sends, signals } = controlled();
    const controller = new AbortController();
    const reason = new TypeError('gone');
    const outcome = outcomeOf(
      doBatch({ ring: ringOf(() => ['x', 'y']), operation: Write }, [1], send, {
        ...counter,
        signal: controller.signal,
      }),
    );
    controller.abort(reason);
    await drain();
    expect(outcome.now).toBe(reason);
    expect(signals.get('x')?.reason).toBe(reason);
    expect(counter.calls).toBe(0);
    for (const { end } of sends.values()) end.reject(reason);
    await drain();
    expect(counter.calls).toBe(1);
  });
});

describe('a send', () => {
  test('that throws at once is a failed replica', async () => {
    const replicas = new Replicas({});
    const send = (): Promise<void> => {
      throw new StatusError(500);
    };
    const error = await replicas.failureOf(
      doBatch({ ring: ringOf(() => ['x']), operation: Write }, [1], send),
    );
    expect(error).toMatchObject({ code: 'ML_RING_BATCH_FAILED', cause: { status: 500 } });
  });

  test('belongs to the family that the caller says', async () => {
    const { send, sends } = controlled();
    const isClientError = (error: unknown): boolean =>
      error instanceof Error && error.message === 'too large';
    const ring = ringOf(() => ['x', 'y', 'z'], 1);
    const outcome = outcomeOf(doBatch({ ring, operation: Write }, [1], send, { isClientError }));
    sends.get('x')?.end.reject(new TypeError('too large'));
    sends.get('y')?.end.reject(new TypeError('broken'));
    await drain();
    expect(outcome.now).toBe('pending');
    sends.get('z')?.end.reject(new TypeError('too large'));
    await drain();
    expect(outcome.now).toMatchObject({ clientError: true, cause: { message: 'too large' } });
  });
});
