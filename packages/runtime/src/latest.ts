import { abortReason, onAbort } from './abort.ts';
import { Deferred } from './deferred.ts';

/** How a reader waits. */
export interface ReadOptions {
  /** Makes the pending and every later `next` reject. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A value that changes, read as an async iterable: a reader gets the newest value it has not had yet, and skips
 * those it was too slow for. Any number of readers, each at its own pace; a new one starts with the current value.
 */
export class Latest<T> implements AsyncIterable<T> {
  readonly #waiting = new Set<() => void>();
  #version = 0;
  #newest: IteratorYieldResult<T> | undefined;
  #end: 'open' | 'closed' | { readonly error: unknown } = 'open';

  /** The newest value; undefined before the first one. */
  get current(): T | undefined {
    return this.#newest?.value;
  }

  /** Whether {@link close} or {@link fail} was called. */
  get closed(): boolean {
    return this.#end !== 'open';
  }

  /** Replaces the value. After the end it does nothing. */
  set(value: T): void {
    if (this.#end !== 'open') return;
    this.#newest = { done: false, value };
    this.#version++;
    this.#wake();
  }

  /** Readers still get the newest value if they have not had it, then end. */
  close(): void {
    this.#finish('closed');
  }

  /** As {@link close}, but readers end by throwing `error`. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** A new reader. */
  values(options: ReadOptions = {}): AsyncIterableIterator<T> {
    const { signal } = options;
    let seen = 0;
    let over = false;
    const ended: IteratorResult<T> = { done: true, value: undefined };

    /** The reader's answer if it has one now. */
    const poll = (): IteratorResult<T> | undefined => {
      if (over) return ended;
      if (signal?.aborted === true) throw abortReason(signal, 'reading the latest value');
      if (this.#version > seen && this.#newest !== undefined) {
        seen = this.#version;
        return this.#newest;
      }
      if (this.#end === 'open') return undefined;
      over = true;
      if (this.#end !== 'closed') throw this.#end.error;
      return ended;
    };

    const wakes = new Set<() => void>();
    const next = async (): Promise<IteratorResult<T>> => {
      for (;;) {
        const answer = poll();
        if (answer !== undefined) return answer;
        const woken = new Deferred<void>();
        const wake = (): void => woken.resolve();
        using _link = onAbort(signal, wake);
        this.#waiting.add(wake);
        wakes.add(wake);
        await woken.promise;
        this.#waiting.delete(wake);
        wakes.delete(wake);
      }
    };
    return {
      next,
      return: async () => {
        over = true;
        for (const wake of wakes) wake();
        return ended;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.values();
  }

  #finish(end: 'closed' | { readonly error: unknown }): void {
    if (this.#end !== 'open') return;
    this.#end = end;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
