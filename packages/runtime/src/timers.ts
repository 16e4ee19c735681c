/** A pending wake-up; disposing it cancels it, also after it has run. */
export interface Timer extends Disposable {
  /** When it fires next, on {@link Clock.now}'s scale. */
  readonly deadline: number;
}

/** What a caller may promise about a timer's callback. */
export interface TimerOptions {
  /**
   * The callback starts no async function and settles promises only through {@link Deferred}, Latest, Mailbox or
   * sleep (or calls {@link noteAsync}). A simulation then need not pause for continuations after each call, which
   * makes it several times faster. Ignored in real time. Default false.
   */
  readonly plain?: boolean;
}

/** How a repeated timer is spread out. */
export interface RepeatOptions extends TimerOptions {
  /** 0 to 1, default 0: each period is drawn uniformly from `ms` ± `ms × jitter`. */
  readonly jitter?: number;
}

/** How code asks to be woken. A callback never runs inside the call that registers it. */
export interface Timers {
  /** Runs `run` once, `ms` milliseconds from now and never earlier; a negative `ms` counts as 0. */
  after(ms: number, run: () => void, options?: TimerOptions): Timer;
  /**
   * Runs `run` every `ms` milliseconds (above 0), the first time one period from now. Periods are counted from
   * due time to due time, so they do not drift; those missed altogether are skipped, not made up for.
   */
  every(ms: number, run: () => void, options?: RepeatOptions): Timer;
}
