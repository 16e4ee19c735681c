import type { Clock } from './clock.ts';
import type { Logger } from './log.ts';
import type { Random } from './random.ts';
import type { Timers } from './timers.ts';

/** All that a package takes from its surroundings besides the network: time, wake-ups, randomness, a log. */
export interface Runtime {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Logger;
}
