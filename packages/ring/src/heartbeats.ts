import type { Runtime, Timer } from '@ml/runtime';

/** Beats at a fixed period; a beat that falls due while the last one is under way is left out. */
export class Heartbeats {
  readonly #timer: Timer | undefined;
  #beating: Promise<void> | undefined;

  /** @param periodMs 0: never. */
  constructor(runtime: Runtime, periodMs: number, beat: () => Promise<void>) {
    if (periodMs === 0) return;
    this.#timer = runtime.timers.every(periodMs, () => {
      this.#beating ??= beat().finally(() => {
        this.#beating = undefined;
      });
    });
  }

  /** No more beats; resolves when the last one is over. */
  async stop(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#beating;
  }
}
