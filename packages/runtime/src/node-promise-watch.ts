import { promiseHooks } from 'node:v8';

/** Counts the promise continuations that run in this process while it is watching. */
export class PromiseWatch implements Disposable {
  #count = 0;
  readonly #stop: () => void;

  constructor() {
    const stop: unknown = promiseHooks.onBefore(() => {
      this.#count++;
    });
    this.#stop = () => {
      if (typeof stop === 'function') stop();
    };
  }

  /** Tells whether anything that ran since the last drain has continuations waiting. */
  whenChecked(report: (continuations: number) => void): void {
    const before = this.#count;
    // Continuations run in the order they became ready, so those that are waiting run before this one.
    queueMicrotask(() => report(this.#count - before));
  }

  [Symbol.dispose](): void {
    this.#stop();
  }
}
