import type { KvClient } from '@ml/kv';
import type { RingDesc } from '@ml/ring';

/** A store of one value that hands later ones straight to the ring that watches it. */
export class PushedKv implements KvClient<RingDesc> {
  #value: RingDesc;
  #wake: (() => void) | undefined;

  constructor(value: RingDesc) {
    this.#value = value;
  }

  /** Hands `value` to the watcher, which sees it within the next turns of the microtask queue. */
  push(value: RingDesc): void {
    this.#value = value;
    this.#wake?.();
  }

  async get(): Promise<RingDesc> {
    return this.#value;
  }

  async list(): Promise<readonly string[]> {
    return [];
  }

  async delete(): Promise<void> {}

  async cas(): Promise<void> {}

  async *watchKey(): AsyncIterable<RingDesc> {
    for (;;) {
      const given = this.#value;
      yield given;
      if (this.#value === given) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async *watchPrefix(): AsyncIterable<{ readonly key: string; readonly value: RingDesc }> {}
}
