import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';
import { type Logger, silentLogger } from './log.ts';
import { NodeWallClock } from './node-wall-clock.ts';
import { seededRandom } from './random.ts';
import { repeatTimer } from './repeating-timer.ts';
import type { Runtime } from './runtime.ts';
import type { Timer, Timers } from './timers.ts';

/** setTimeout takes a longer wait for 1 ms, so longer ones are cut into pieces. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Options of {@link nodeRuntime}. */
export interface NodeRuntimeOptions {
  /** Default: no log. */
  readonly log?: Logger;
  /** Seed of {@link Runtime.random}. Default: 64 bits from the operating system. */
  readonly seed?: bigint | number;
}

/**
 * The runtime of a real process: performance.now, Date.now (in loops as {@link NodeWallClock} tells), setTimeout. Its
 * timers keep the process alive.
 */
export function nodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  const random = seededRandom(options.seed ?? randomBytes(8).readBigUInt64LE());
  const wall = new NodeWallClock();
  const clock: Clock = { now: () => performance.now(), unixMs: () => wall.unixMs() };
  const after: Timers['after'] = (ms, run) => new NodeTimer(clock, ms, run);
  const jitter = random.fork('timers');
  const timers: Timers = {
    after,
    every: (ms, run, repeat) => repeatTimer({ after, clock, random: jitter }, ms, run, repeat),
  };
  return { clock, timers, random, log: options.log ?? silentLogger };
}

class NodeTimer implements Timer {
  readonly deadline: number;
  readonly #clock: Clock;
  readonly #run: () => void;
  #handle: NodeJS.Timeout | undefined;

  constructor(clock: Clock, ms: number, run: () => void) {
    this.#clock = clock;
    this.#run = run;
    this.deadline = clock.now() + Math.max(0, ms);
    this.#arm();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#handle);
  }

  #arm(): void {
    const leftMs = Math.ceil(this.deadline - this.#clock.now());
    this.#handle = setTimeout(() => this.#fire(), Math.min(Math.max(leftMs, 0), MAX_TIMEOUT_MS));
  }

  #fire(): void {
    // The event loop's clock has whole milliseconds and may be ahead of ours by a fraction.
    if (this.#clock.now() < this.deadline) this.#arm();
    else this.#run();
  }
}
