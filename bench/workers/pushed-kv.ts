import type { KvClient } from '@ml/kv';
import type { RingDesc } from '@ml/ring';

type Delivery = IteratorResult<RingDesc, undefined>;

/** A store of one value that hands later ones straight to the one ring that watches it, as the peer's does. */
export class PushedKv implements KvClient<RingDesc> {
  #value: RingDesc;
  #given: RingDesc | undefined;
  #deliver: ((delivery: Delivery) => void) | undefined;

  constructor(value: RingDesc) {
    this.#value = value;
  }

  /** Hands `value` to the watcher, which sees it in the next turn of the microtask queue. */
  push(value: RingDesc): void {
    this.#value = value;
    const deliver = this.#deliver;
    if (deliver === undefined) return;
    this.#deliver = undefined;
    this.#given = value;
    deliver({ done: false, value });
  }

  async get(): Promise<RingDesc> {
    return this.#value;
  }

  async list(): Promise<readonly string[]> {
    return [];
  }

  async delete(): Promise<void> {}

  async cas(): Promise<void> {}

  watchKey(): AsyncIterable<RingDesc> {
    return { [Symbol.asyncIterator]: () => ({ next: () => this.#next() }) };
  }

  async *watchPrefix(): AsyncIterable<{ readonly key: string; readonly value: RingDesc }> {}

  #next(): Promise<Delivery> {
    const value = this.#value;
    if (this.#given === value) {
      return new Promise((resolve) => {
        this.#deliver = resolve;
      });
    }
    this.#given = value;
    return Promise.resolve({ done: false, value });
  }
}
