import type { CoreContext } from './context.ts';
import type { Membership } from './membership.ts';
import type { Outbox } from './outbox.ts';
import { nextTick } from './prober.ts';
import type { TimerRow } from './timer-table.ts';

/** How many times as often a node gossips that is about to leave: it has no later for which to spare the network. */
const LEAVING_HASTE = 4;

/**
 * Sends what waits to random members, every gossip interval. With nothing to send there are no ticks at all; they come
 * back in the same phase, so that the delay of news about members is as if they had never stopped. What the application
 * gives notice of goes out at once, also while older news is being repeated: that round is taken from the repetitions,
 * so that there is one an interval on average, as without haste, and each message is sent as often as ever. Rounds with
 * such news are never closer than the interval, and news about members never waits longer than that. G-15, G-45.
 * A node that leaves gossips as much, only sooner. G-55.
 */
export class Gossiper {
  readonly #context: CoreContext;
  readonly #membership: Membership;
  readonly #outbox: Outbox;
  /** The earliest moment of the next round that only repeats, at most two intervals ahead. */
  #freeAt = 0;
  /** The earliest moment of the next round with news about members, and the phase of their ticks. */
  #tickAt = 0;
  /** The earliest moment of the next round with news of the application. */
  #newsFreeAt = 0;
  #tick: TimerRow | undefined;
  /** What the application has to send: news goes out at once, repetitions an interval later, a guess waits for the tick. */
  #application: 'nothing' | 'maybe' | 'something' | 'news' = 'maybe';
  #rounds = 0;
  #intervalMs: number;

  constructor(context: CoreContext, membership: Membership, outbox: Outbox) {
    this.#context = context;
    this.#membership = membership;
    this.#outbox = outbox;
    this.#intervalMs = context.config.gossipIntervalMs;
  }

  /** Rounds of gossip so far. */
  get rounds(): number {
    return this.#rounds;
  }

  start(now: number): void {
    const { config, random } = this.#context;
    const { gossipIntervalMs, stagger } = config;
    this.#freeAt =
      now + (stagger && gossipIntervalMs > 0 ? 1 + random.int(gossipIntervalMs) : gossipIntervalMs);
    this.#tickAt = this.#freeAt;
  }

  /** The application may have queued something: the next tick will tell. */
  wake(): void {
    if (this.#application === 'nothing') this.#application = 'maybe';
  }

  /** The application has queued something. */
  hurry(): void {
    this.#application = 'news';
  }

  /** From now on rounds follow each other several times as quickly, the next one at once. Idempotent. G-55. */
  hasten(now: number): void {
    const hastyMs = Math.ceil(this.#context.config.gossipIntervalMs / LEAVING_HASTE);
    if (this.#intervalMs === hastyMs) return;
    this.#intervalMs = hastyMs;
    this.#freeAt = this.#tickAt = this.#newsFreeAt = now;
    this.#application = 'news';
  }

  /** Sets the next round if there is something to send, and somebody to send it to. */
  arm(now: number): void {
    const { config, members, timers } = this.#context;
    if (this.#intervalMs === 0 || config.gossipNodes === 0 || members.size < 2) return;
    const at = this.#nextRound(now);
    if (at === undefined || (this.#tick !== undefined && this.#tick.deadline <= at)) return;
    timers.cancel(this.#tick);
    this.#tick = timers.set('gossip', at, (tickAt) => this.#round(tickAt));
  }

  #nextRound(now: number): number | undefined {
    const { queue } = this.#context;
    if (this.#application === 'news') return Math.max(now, this.#newsFreeAt);
    const repeatAt = this.#application === 'something' ? Math.max(now, this.#freeAt) : undefined;
    if (this.#application !== 'maybe' && queue.size === 0) return repeatAt;
    const tickAt = nextTick(now, this.#tickAt, this.#intervalMs);
    return repeatAt === undefined ? tickAt : Math.min(repeatAt, tickAt);
  }

  #round(now: number): void {
    const { config, members, queue } = this.#context;
    const hasNews = this.#application === 'news';
    this.#tick = undefined;
    this.#rounds += 1;
    if (hasNews) this.#application = 'something';
    const { selfId } = this.#membership;
    const targets = members.sample(config.gossipNodes, (id) => {
      if (id === selfId) return false;
      const state = members.state(id);
      if (state === 'left') return false;
      return state !== 'dead' || now - members.changedAt(id) <= config.gossipToTheDeadMs;
    });
    const served = this.#serve(now, targets);
    if (served < targets.length) {
      this.#application = 'nothing';
      // A wrong guess: it does not keep back what comes next.
      if (served === 0 && queue.size === 0) return;
    }
    this.#tickAt = now + this.#intervalMs;
    this.#freeAt = Math.min(Math.max(this.#freeAt, now), this.#tickAt) + this.#intervalMs;
    if (hasNews) this.#newsFreeAt = this.#tickAt;
  }

  /** Sends to one after the other while there is something to send, and returns how many were sent to. */
  #serve(now: number, targets: readonly number[]): number {
    const { members } = this.#context;
    for (const [at, target] of targets.entries()) {
      if (!this.#outbox.sendBroadcasts(now, members.identity(target))) return at;
    }
    return targets.length;
  }
}
