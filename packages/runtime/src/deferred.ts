import { noteAsync } from './async-note.ts';

/** A promise with its two levers outside. Settling it a second time does nothing. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (reason: unknown) => void;

  constructor() {
    let resolve: ((value: T) => void) | undefined;
    let reject: ((reason: unknown) => void) | undefined;
    this.promise = new Promise<T>((yes, no) => {
      resolve = yes;
      reject = no;
    });
    this.#resolve = resolve ?? unreachable;
    this.#reject = reject ?? unreachable;
  }

  resolve(value: T): void {
    noteAsync();
    this.#resolve(value);
  }

  reject(reason: unknown): void {
    noteAsync();
    this.#reject(reason);
  }
}

function unreachable(): never {
  throw new TypeError('assertion failed: a promise executor runs at once');
}
