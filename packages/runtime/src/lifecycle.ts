import { assert, brandError } from './errors.ts';

/** Some parts of a thing could not be closed. All the others are closed; `errors` holds each part's failure. */
export class CloseError extends AggregateError {
  readonly code = 'ML_CLOSE' as const;

  constructor(errors: readonly unknown[], what: string) {
    super(errors, `closing ${what} failed in ${errors.length} of its parts: ${list(errors)}`);
    this.name = 'CloseError';
    brandError(this);
  }
}

/**
 * The one way a thing with parts is closed: parts go in reverse order of their arrival, one after the other, each
 * awaited, none skipped because another failed. Closing again waits for the first closing and has its outcome.
 */
export class Closer implements AsyncDisposable {
  readonly #what: string;
  readonly #parts: (() => unknown)[] = [];
  readonly #controller = new AbortController();
  #closing: Promise<void> | undefined;
  #closed = false;

  /** @param what names the thing in a {@link CloseError}. */
  constructor(what: string) {
    this.#what = what;
  }

  /** Fires when closing begins: for the waits and loops that the thing owns. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether {@link close} was called. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Takes over a part and returns it. */
  use<T extends Disposable | AsyncDisposable>(part: T): T {
    this.defer(() =>
      Symbol.asyncDispose in part ? part[Symbol.asyncDispose]() : part[Symbol.dispose](),
    );
    return part;
  }

  /** Takes over a step of closing. While closing is under way it still counts; afterwards it is a programming error. */
  defer(step: () => unknown): void {
    assert(!this.#closed, `a part is added to ${this.#what}, which is closed`);
    this.#parts.push(step);
  }

  /** Closes all parts. Throws a {@link CloseError} with all failures, after the last part. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    this.#controller.abort();
    for (let step = this.#parts.pop(); step !== undefined; step = this.#parts.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    this.#closed = true;
    if (failures.length > 0) throw new CloseError(failures, this.#what);
  }
}

function list(errors: readonly unknown[]): string {
  return errors.map((error) => (error instanceof Error ? error.message : String(error))).join('; ');
}
