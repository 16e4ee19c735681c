/** A pending wake-up; disposing it cancels it, also after it has run. */
export interface Timer extends Disposable {
  /** When it fires, on {@link Clock.now}'s scale. */
  readonly deadline: number;
}

/** How code asks to be woken. A callback never runs inside the call that registers it. */
export interface Timers {
  /** Runs `run` once, `ms` milliseconds from now; a negative `ms` counts as 0. */
  after(ms: number, run: () => void): Timer;
  /**
   * Runs `run` every `ms` milliseconds, the first time one period from now. With `jitter` (0 to 1) each
   * period is drawn uniformly from `ms` ± `ms × jitter`.
   */
  every(ms: number, run: () => void, options?: { readonly jitter?: number }): Timer;
}
