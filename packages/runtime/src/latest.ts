import { Readers, type ReadOptions } from './readers.ts';

/**
 * A value that changes, read as an async iterable: a reader gets the newest value it has not had yet, and skips
 * those it was too slow for. Any number of readers, each at its own pace; a new one starts with the current value.
 */
export class Latest<T> implements AsyncIterable<T> {
  readonly #readers = new Readers();
  #version = 0;
  #newest: IteratorYieldResult<T> | undefined;

  /** The newest value; undefined before the first one. */
  get current(): T | undefined {
    return this.#newest?.value;
  }

  /** Whether {@link close} or {@link fail} was called. */
  get closed(): boolean {
    return this.#readers.closed;
  }

  /** Replaces the value. After the end it does nothing. */
  set(value: T): void {
    if (this.closed) return;
    this.#newest = { done: false, value };
    this.#version++;
    this.#readers.wake();
  }

  /** Readers still get the newest value if they have not had it, then end. */
  close(): void {
    this.#readers.close();
  }

  /** As {@link close}, but readers end by throwing `error`. */
  fail(error: unknown): void {
    this.#readers.fail(error);
  }

  /** A new reader. */
  values(options: ReadOptions = {}): AsyncIterableIterator<T> {
    let seen = 0;
    const take = (): IteratorYieldResult<T> | undefined => {
      if (this.#version === seen) return undefined;
      seen = this.#version;
      return this.#newest;
    };
    return this.#readers.reader({ ...options, take, doing: 'reading the latest value' });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.values();
  }
}
