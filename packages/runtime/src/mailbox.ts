import { abortReason, onAbort } from './abort.ts';
import { Deferred } from './deferred.ts';
import { assert } from './errors.ts';
import type { ReadOptions } from './latest.ts';

/** Options of {@link Mailbox}. */
export interface MailboxOptions<T> {
  /** Items that may wait to be read, at least 1. */
  readonly capacity: number;
  /** Makes the item that tells the reader, at the place of the gap, how many were dropped there. Default: no such item. */
  readonly gap?: (dropped: number) => T;
}

/**
 * A bounded queue read as an async iterable. When it is full, new items are dropped (what waits stays) and counted;
 * with `gap` the reader is told where. One stream of items: two readers share it, each item goes to one of them.
 */
export class Mailbox<T> implements AsyncIterable<T> {
  readonly #capacity: number;
  readonly #gap: ((dropped: number) => T) | undefined;
  #items: IteratorYieldResult<T>[] = [];
  #head = 0;
  #dropped = 0;
  /** Dropped since the last item that went in. */
  #gapSize = 0;
  readonly #waiting = new Set<() => void>();
  #end: 'open' | 'closed' | { readonly error: unknown } = 'open';

  constructor(options: MailboxOptions<T>) {
    const { capacity } = options;
    assert(Number.isInteger(capacity) && capacity >= 1, `a mailbox of ${capacity} items`);
    this.#capacity = capacity;
    this.#gap = options.gap;
  }

  /** Items waiting to be read. */
  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Items dropped since the beginning. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether {@link close} or {@link fail} was called. */
  get closed(): boolean {
    return this.#end !== 'open';
  }

  /** Adds an item; false when it was dropped because the mailbox is full, or has ended. */
  push(item: T): boolean {
    if (this.#end !== 'open') return false;
    const marker = this.#gapSize > 0 && this.#gap !== undefined;
    if (this.length + (marker ? 2 : 1) > this.#capacity) {
      this.#dropped++;
      this.#gapSize++;
      return false;
    }
    const gap = this.#takeGap();
    if (gap !== undefined) this.#items.push(gap);
    this.#items.push({ done: false, value: item });
    this.#wake();
    return true;
  }

  /** Readers get what is waiting, then end. */
  close(): void {
    this.#finish('closed');
  }

  /** As {@link close}, but readers end by throwing `error`. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** A reader. Leaving its loop leaves the items that wait for the next reader. */
  values(options: ReadOptions = {}): AsyncIterableIterator<T> {
    const { signal } = options;
    const ended: IteratorResult<T> = { done: true, value: undefined };
    let over = false;

    const poll = (): IteratorResult<T> | undefined => {
      if (over) return ended;
      if (signal?.aborted === true) throw abortReason(signal, 'reading a mailbox');
      const taken = this.#take();
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

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.values();
  }

  #take(): IteratorYieldResult<T> | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) return this.#takeGap();
    this.#head++;
    // Moving the rest down once half is read keeps the cost of an item constant.
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  #takeGap(): IteratorYieldResult<T> | undefined {
    const dropped = this.#gapSize;
    this.#gapSize = 0;
    if (dropped === 0 || this.#gap === undefined) return undefined;
    return { done: false, value: this.#gap(dropped) };
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
