import { Deferred, onAbort, throwIfAborted } from '@ml/runtime';
import type { Watcher } from './core/watchers.ts';

/** What ends a wait for changes. */
export interface WatchContext {
  /** Fires when the store closes: the watch ends. */
  readonly closed?: AbortSignal;
  /** The reader's own: the watch rejects. */
  readonly signal: AbortSignal | undefined;
}

/** A watcher whose reader takes changed keys one by one, oldest first. Holds a bounded number of them. */
export class WatchQueue implements Watcher {
  readonly #keys: string[] = [];
  readonly #capacity: number;
  readonly #dropped: () => void;
  #wake: (() => void) | undefined;

  /** `dropped` is called for each key that does not fit. */
  constructor(options: { readonly capacity: number; readonly dropped: () => void }) {
    this.#capacity = options.capacity;
    this.#dropped = options.dropped;
  }

  changed(key: string): void {
    if (this.#keys.length >= this.#capacity) {
      this.#dropped();
      return;
    }
    this.#keys.push(key);
    this.#wake?.();
  }

  /**
   * The oldest waiting key; waits for one if there is none. `undefined` when the store closed.
   * @throws the signal's reason when that fires first.
   */
  async next({ closed, signal }: WatchContext): Promise<string | undefined> {
    for (;;) {
      throwIfAborted(signal, 'a watch');
      if (closed?.aborted === true) return undefined;
      const key = this.#keys.shift();
      if (key !== undefined) return key;
      const woken = new Deferred<void>();
      this.#wake = () => woken.resolve();
      using _closed = onAbort(closed, this.#wake);
      using _signal = onAbort(signal, this.#wake);
      await woken.promise;
      this.#wake = undefined;
    }
  }
}

/** A queue of one key: changes while the reader is busy become one. */
export function latestOnly(): WatchQueue {
  return new WatchQueue({ capacity: 1, dropped: () => {} });
}
