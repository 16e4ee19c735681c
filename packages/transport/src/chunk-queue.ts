import { Deferred } from '@ml/runtime';

type Result = IteratorResult<Uint8Array, undefined>;

/**
 * Chunks of bytes between the side that receives them and the one reader of a stream. It has no limit of its own:
 * the owner stops the flow by {@link bufferedBytes}. Leaving a `for await` loop keeps what is unread.
 */
export class ChunkQueue implements AsyncIterable<Uint8Array> {
  readonly #onConsumed: () => void;
  readonly #chunks: Uint8Array[] = [];
  readonly #waiters: Deferred<Result>[] = [];
  #bufferedBytes = 0;
  #ended: boolean = false;
  #error: Error | undefined;

  /** @param onConsumed called after the reader took a chunk. */
  constructor(onConsumed: () => void) {
    this.#onConsumed = onConsumed;
  }

  /** Bytes received and not yet read. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#ended || this.#error !== undefined || chunk.length === 0) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value: chunk });
      return;
    }
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
  }

  /** Nothing more will come; the reader still gets what is buffered. */
  end(): void {
    this.#ended = true;
    for (const waiter of this.#waiters.splice(0)) waiter.resolve({ done: true, value: undefined });
  }

  /** The connection broke; the reader gets what is buffered, then the error. No effect after the end. */
  fail(error: Error): void {
    if (this.#ended || this.#error !== undefined) return;
    this.#error = error;
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** Drops what is buffered; the reader gets the error, also after the end. */
  abandon(error: Error): void {
    this.#chunks.length = 0;
    this.#bufferedBytes = 0;
    this.#ended = false;
    this.fail(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return { next: () => this.#next() };
  }

  #next(): Promise<Result> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bufferedBytes -= chunk.length;
      this.#onConsumed();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    const waiter = new Deferred<Result>();
    this.#waiters.push(waiter);
    return waiter.promise;
  }
}
