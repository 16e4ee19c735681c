import { setTimeout as delay } from 'node:timers/promises';

import { HarnessError, textOf } from './errors.ts';

export interface EventuallyOptions {
  /** What is waited for, for the error message. */
  readonly what: string;
  /** Default 20 s. */
  readonly withinMs?: number;
  /** Pause between two tries, default 50 ms. */
  readonly everyMs?: number;
  /** Added to the error message, a log tail for instance. */
  readonly detail?: () => string;
}

/**
 * Tries `check` until it returns without throwing, and returns what it returned.
 *
 * @throws {HarnessError} naming what was waited for and the last failure, after `withinMs`.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: EventuallyOptions,
): Promise<T> {
  const { what, withinMs = 20_000, everyMs = 50 } = options;
  const deadline = performance.now() + withinMs;
  let tries = 0;
  for (;;) {
    tries += 1;
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= deadline) {
        const detail = options.detail === undefined ? '' : `\n${options.detail()}`;
        throw new HarnessError(
          `${what}: not within ${withinMs} ms (${tries} tries); last failure: ${textOf(error)}${detail}`,
          { cause: error },
        );
      }
    }
    await delay(everyMs);
  }
}
