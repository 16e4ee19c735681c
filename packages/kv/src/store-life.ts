import { abortReason, Deferred, onAbort } from '@ml/runtime';
import { KvClosedError } from './errors.ts';
import type { StoreLife } from './kv-client.ts';
import type { KvState } from './status.ts';

/** The states of a store and those who wait for them. */
export class Life implements StoreLife {
  readonly #closed = new AbortController();
  readonly #started = new Deferred<void>();
  readonly #ended = new Deferred<KvState>();
  #state: KvState = { type: 'new' };

  get state(): KvState {
    return this.#state;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** From now on operations run. */
  run(): void {
    this.#state = { type: 'running' };
    this.#started.resolve();
  }

  enter(type: 'starting' | 'stopping'): void {
    this.#state = { type };
  }

  /** The last state; a second call changes nothing. */
  end(last: KvState): void {
    if (this.#closed.signal.aborted) return;
    this.#state = last;
    this.#closed.abort(this.closedError());
    this.#started.resolve();
    this.#ended.resolve(last);
  }

  ready(signal: AbortSignal | undefined): Promise<void> | undefined {
    switch (this.#state.type) {
      case 'running':
      case 'stopping':
        return undefined;
      case 'terminated':
      case 'failed':
        return Promise.reject(this.closedError());
      default:
        return this.#wait(signal);
    }
  }

  async ended(signal: AbortSignal | undefined): Promise<KvState> {
    return await untilAborted(this.#ended.promise, signal, 'waiting for the end of the store');
  }

  closedError(): KvClosedError {
    return new KvClosedError(this.#state.type === 'failed' ? { cause: this.#state.error } : {});
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    await untilAborted(this.#started.promise, signal, 'waiting for the store to start');
    if (this.#closed.signal.aborted) throw this.closedError();
  }
}

/** Waits for a promise that settles in any case, but no longer than until the signal fires. */
export async function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<T> {
  if (signal === undefined) return await promise;
  const outcome = new Deferred<T>();
  using _ = onAbort(signal, () => outcome.reject(abortReason(signal, what)));
  promise.then(
    (value) => outcome.resolve(value),
    (error: unknown) => outcome.reject(error),
  );
  return await outcome.promise;
}
