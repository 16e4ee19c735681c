import type { Watcher } from './core/watchers.ts';

/** Ends every watch of a store: aborted when the store closes. */
export interface WatchContext {
  readonly closed: AbortSignal;
  readonly signal: AbortSignal | undefined;
}

/**
 * A watcher whose reader takes keys one by one. Holds at most `capacity` keys; with `coalesce` a key that is
 * already waiting is not added again.
 */
export class WatchQueue implements Watcher {
  readonly #keys: string[] = [];
  readonly #capacity: number;
  readonly #dropped: () => void;
  #wake: (() => void) | undefined;

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
   * @throws the signal's reason when it is aborted first.
   */
  async next(context: WatchContext): Promise<string | undefined> {
    const { closed, signal } = context;
    signal?.throwIfAborted();
    while (this.#keys.length === 0) {
      if (closed.aborted) return undefined;
      await this.#change(context);
      signal?.throwIfAborted();
    }
    return this.#keys.shift();
  }

  #change({ closed, signal }: WatchContext): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        closed.removeEventListener('abort', wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#wake = wake;
      closed.addEventListener('abort', wake, { once: true });
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}

const ignore = () => {};

/** A queue of one key: changes while the reader is busy become one. */
export function latestOnly(): WatchQueue {
  return new WatchQueue({ capacity: 1, dropped: ignore });
}
