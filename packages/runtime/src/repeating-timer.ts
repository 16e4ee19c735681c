import type { Clock } from './clock.ts';
import { assert } from './errors.ts';
import type { Random } from './random.ts';
import type { RepeatOptions, Timer, Timers } from './timers.ts';

/** What {@link repeatTimer} is built from; `random` is a stream of its own, so jitter shifts nobody's draws. */
export interface RepeatParts {
  readonly after: Timers['after'];
  readonly clock: Clock;
  readonly random: Random;
}

/** `Timers.every` over `Timers.after`: the same rule in real and in virtual time. */
export function repeatTimer(
  parts: RepeatParts,
  ms: number,
  run: () => void,
  options: RepeatOptions = {},
): Timer {
  const jitter = options.jitter ?? 0;
  assert(Number.isFinite(ms) && ms > 0, `a period of ${ms} ms is not above 0`);
  assert(jitter >= 0 && jitter <= 1, `jitter ${jitter} is outside 0..1`);
  const period = (): number =>
    jitter === 0 ? ms : ms * (1 - jitter + 2 * jitter * parts.random.float());

  let due = parts.clock.now() + period();
  let stopped = false;
  let pending: Timer;
  const arm = (): void => {
    pending = parts.after(due - parts.clock.now(), fire, options);
  };
  const fire = (): void => {
    const now = parts.clock.now();
    due += period();
    if (due <= now) due = now + period();
    // Armed before the call, so that a callback that throws does not end the repetition.
    arm();
    run();
  };
  arm();
  return {
    get deadline() {
      return stopped ? Number.POSITIVE_INFINITY : due;
    },
    [Symbol.dispose]: () => {
      stopped = true;
      pending[Symbol.dispose]();
    },
  };
}
