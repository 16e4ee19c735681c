import type { Runtime, TimerOptions, Timers } from '@ml/runtime';
import type { VirtualNode } from '@ml/runtime/virtual';

/** Turns that may wait for a slow processor; packets beyond it are lost, as when a socket's buffer is full. */
const MAX_WAITING = 10_000;

/**
 * The processor of a node. Normally a turn takes no virtual time; a slow one takes {@link turnMs} for each packet,
 * stream or timer, and what comes meanwhile waits in line.
 */
export class Cpu {
  readonly #node: VirtualNode;
  #turnMs = 0;
  #busyUntil = 0;
  #waiting = 0;

  constructor(node: VirtualNode) {
    this.#node = node;
  }

  /** Virtual milliseconds that each turn takes; 0: none. Timers that are set already are slowed from their next setting on. */
  get turnMs(): number {
    return this.#turnMs;
  }

  set turnMs(ms: number) {
    this.#turnMs = ms;
  }

  /** Whether turns take time, or wait for earlier ones that did. */
  get slow(): boolean {
    return this.#turnMs > 0 || this.#waiting > 0;
  }

  /** Turns in line. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Runs a turn when those before it are done. False: too many wait, and it is lost. */
  enqueue(run: () => void, options: TimerOptions): boolean {
    if (this.#waiting >= MAX_WAITING) return false;
    const { clock, timers } = this.#node;
    const now = clock.now();
    this.#busyUntil = Math.max(now, this.#busyUntil) + this.#turnMs;
    this.#waiting += 1;
    timers.after(
      this.#busyUntil - now,
      () => {
        this.#waiting -= 1;
        run();
      },
      options,
    );
    return true;
  }
}

/** The node's runtime with timers that wait for a slow processor. */
export function runtimeOn(cpu: Cpu, runtime: Runtime): Runtime {
  const { timers } = runtime;
  const slowed = (run: () => void, options: TimerOptions): (() => void) => {
    return () => {
      // A timer must not be lost for ever, as a packet may: with the line full it runs at once.
      if (!cpu.slow || !cpu.enqueue(run, options)) run();
    };
  };
  const slowable: Timers = {
    after: (ms, run, options = {}) => {
      return cpu.slow
        ? timers.after(ms, slowed(run, options), options)
        : timers.after(ms, run, options);
    },
    every: (ms, run, options = {}) => timers.every(ms, slowed(run, options), options),
  };
  return { ...runtime, timers: slowable };
}
