import { HarnessError, textOf } from './errors.ts';

/**
 * Holds what a test started and disposes of it in reverse order, all of it, even when one disposal fails.
 * Node 20 has no AsyncDisposableStack.
 */
export class Cleanup implements AsyncDisposable {
  readonly #steps: (() => Promise<unknown>)[] = [];

  /** Takes over `resource` and gives it back. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.#steps.push(async () => await resource[Symbol.asyncDispose]());
    return resource;
  }

  /** Runs `step` on disposal. */
  defer(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** @throws {HarnessError} naming every failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) {
      throw new HarnessError(`cleaning up failed: ${failures.map(textOf).join('; ')}`, {
        cause: failures[0],
      });
    }
  }
}
