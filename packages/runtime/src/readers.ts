import { abortReason, onAbort } from './abort.ts';
import { Deferred } from './deferred.ts';

/** How a reader waits. */
export interface ReadOptions {
  /** Makes the pending and every later `next` reject. */
  readonly signal?: AbortSignal | undefined;
}

/** What one reader gets. */
export interface Reading<T> extends ReadOptions {
  /** Takes what there is for this reader now; undefined: nothing. */
  readonly take: () => IteratorYieldResult<T> | undefined;
  /** What an aborted reader was doing, for its error. */
  readonly doing: string;
}

/** Those who read a stream as an async iterable, and how it ends. */
export class Readers {
  readonly #waiting = new Set<() => void>();
  #end: 'open' | 'closed' | { readonly error: unknown } = 'open';

  /** Whether {@link close} or {@link fail} was called. */
  get closed(): boolean {
    return this.#end !== 'open';
  }

  /** Readers still take what there is, then end. */
  close(): void {
    this.#finish('closed');
  }

  /** As {@link close}, but readers end by throwing `error`. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Tells those who wait that there is something to take. */
  wake(): void {
    // Nobody may ever read, and clearing a set costs as much when it is empty.
    if (this.#waiting.size === 0) return;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** A new reader. */
  reader<T>({ take, doing, signal }: Reading<T>): AsyncIterableIterator<T> {
    let over = false;
    const ended: IteratorResult<T> = { done: true, value: undefined };

    /** The reader's answer if it has one now. */
    const poll = (): IteratorResult<T> | undefined => {
      if (over) return ended;
      if (signal?.aborted === true) throw abortReason(signal, doing);
      const taken = take();
      if (taken !== undefined) return taken;
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

  #finish(end: 'closed' | { readonly error: unknown }): void {
    if (this.#end !== 'open') return;
    this.#end = end;
    this.wake();
  }
}
