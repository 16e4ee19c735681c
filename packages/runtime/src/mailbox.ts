import { assert } from './errors.ts';
import { Readers, type ReadOptions } from './readers.ts';

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
  readonly #readers = new Readers();

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
    return this.#readers.closed;
  }

  /** Adds an item; false when it was dropped because the mailbox is full, or has ended. */
  push(item: T): boolean {
    if (this.closed) return false;
    const marker = this.#gapSize > 0 && this.#gap !== undefined;
    if (this.length + (marker ? 2 : 1) > this.#capacity) {
      this.#dropped++;
      this.#gapSize++;
      return false;
    }
    const gap = this.#takeGap();
    if (gap !== undefined) this.#items.push(gap);
    this.#items.push({ done: false, value: item });
    this.#readers.wake();
    return true;
  }

  /** Readers get what is waiting, then end. */
  close(): void {
    this.#readers.close();
  }

  /** As {@link close}, but readers end by throwing `error`. */
  fail(error: unknown): void {
    this.#readers.fail(error);
  }

  /** A reader. Leaving its loop leaves the items that wait for the next reader. */
  values(options: ReadOptions = {}): AsyncIterableIterator<T> {
    const take = (): IteratorYieldResult<T> | undefined => this.#take();
    return this.#readers.reader({ ...options, take, doing: 'reading a mailbox' });
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
}
