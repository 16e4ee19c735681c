import type { CoreContext } from './context.ts';
import type { Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import { nextTick } from './prober.ts';
import type { TimerRow } from './timer-table.ts';

/**
 * Sends what waits to random members, every gossip interval. With nothing to send there are no ticks at all; they come
 * back in the same phase, so that the delay of a message is as if they had never stopped. G-15.
 */
export class Gossiper {
  readonly #context: CoreContext;
  readonly #membership: Membership;
  readonly #outbox: Outbox;
  #phase = 0;
  #tick: TimerRow | undefined;
  /** The application may have something to send. */
  #asked = true;
  #rounds = 0;

  constructor(context: CoreContext, membership: Membership, outbox: Outbox) {
    this.#context = context;
    this.#membership = membership;
    this.#outbox = outbox;
  }

  /** Rounds of gossip so far. */
  get rounds(): number {
    return this.#rounds;
  }

  start(now: number): void {
    const { config, random } = this.#context;
    const { gossipIntervalMs, stagger } = config;
    this.#phase =
      now + (stagger && gossipIntervalMs > 0 ? 1 + random.int(gossipIntervalMs) : gossipIntervalMs);
  }

  /** The application has queued something. */
  wake(): void {
    this.#asked = true;
  }

  /** Sets the next tick if there is something to send, and somebody to send it to. */
  arm(now: number): void {
    const { config, members, queue, timers } = this.#context;
    const { gossipIntervalMs, gossipNodes } = config;
    if (this.#tick !== undefined || gossipIntervalMs === 0 || gossipNodes === 0) return;
    if (members.size < 2 || (queue.size === 0 && !this.#asked)) return;
    const at = nextTick(now, this.#phase, gossipIntervalMs);
    this.#tick = timers.set('gossip', at, (tickAt) => this.#round(tickAt));
  }

  #round(now: number): void {
    const { config, members } = this.#context;
    this.#tick = undefined;
    this.#rounds += 1;
    const { selfId } = this.#membership;
    const targets = members.sample(config.gossipNodes, (id) => {
      if (id === selfId) return false;
      const state = members.state(id);
      if (state === 'left') return false;
      return state !== 'dead' || now - members.changedAt(id) <= config.gossipToTheDeadMs;
    });
    for (const target of targets) {
      if (!this.#outbox.sendBroadcasts(now, members.identity(target))) {
        this.#asked = false;
        return;
      }
    }
  }
}
