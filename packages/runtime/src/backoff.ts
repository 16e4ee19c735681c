import { throwIfAborted } from './abort.ts';
import { assert } from './errors.ts';
import type { Random } from './random.ts';
import type { Runtime } from './runtime.ts';
import { sleep } from './sleep.ts';

/** How waits between attempts grow. */
export interface BackoffOptions {
  /** Lower end of the first wait, in milliseconds. */
  readonly minMs: number;
  /** No wait is longer, in milliseconds. */
  readonly maxMs: number;
  /** Attempts in all; 0: without end. */
  readonly maxRetries: number;
}

/**
 * Exponential back-off with jitter: the k-th wait (from 0) is uniform in [min·2^k, min·2^(k+1)), both ends capped at
 * max; once the upper end has reached max the range stays. As `backoff` in dskit. Use:
 * `for (const b = new Backoff(…); b.ongoing; await b.wait(runtime, { signal })) { … }`
 */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: Random;
  #retries = 0;
  #lowMs = 0;
  #highMs = 0;

  constructor(options: BackoffOptions, random: Random) {
    const { minMs, maxMs, maxRetries } = options;
    assert(minMs >= 0 && maxMs >= 0, `a back-off from ${minMs} ms to ${maxMs} ms`);
    assert(Number.isInteger(maxRetries) && maxRetries >= 0, `${maxRetries} attempts`);
    this.#options = options;
    this.#random = random;
    this.reset();
  }

  /** Whether another attempt is allowed. */
  get ongoing(): boolean {
    return this.#options.maxRetries === 0 || this.#retries < this.#options.maxRetries;
  }

  /** Attempts that have ended, successful or not. */
  get retries(): number {
    return this.#retries;
  }

  /** Counts an attempt as failed and draws the wait before the next one, in milliseconds. */
  nextDelayMs(): number {
    const { maxMs } = this.#options;
    this.#retries++;
    const delayMs = this.#lowMs + this.#random.float() * (this.#highMs - this.#lowMs);
    if (this.#highMs < maxMs) {
      this.#lowMs = Math.min(this.#lowMs * 2, maxMs);
      this.#highMs = Math.min(this.#highMs * 2, maxMs);
    }
    return delayMs;
  }

  /** Counts an attempt as failed and waits; after the last attempt it returns at once. Rejects when the signal fires. */
  async wait(
    runtime: Pick<Runtime, 'timers'>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    throwIfAborted(options.signal, 'waiting for the next attempt');
    const delayMs = this.nextDelayMs();
    if (this.ongoing) await sleep(runtime, delayMs, options);
  }

  /** Starts over. */
  reset(): void {
    const { minMs, maxMs } = this.#options;
    this.#retries = 0;
    this.#lowMs = Math.min(minMs, maxMs);
    this.#highMs = Math.min(minMs * 2, maxMs);
  }
}
