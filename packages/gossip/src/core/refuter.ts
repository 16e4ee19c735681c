import type { CoreContext } from './context.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { TimerRow } from './timer-table.ts';
import { MAX_INCARNATION } from './transitions.ts';

/**
 * Our own incarnation and the answers to those who say that we are not well. It only grows, and never past
 * {@link MAX_INCARNATION}. Accusations in a loop cost at most one refutation per probe interval. G-35, G-36.
 */
export class Refuter {
  readonly #context: CoreContext;
  readonly #limiter: RateLimiter;
  readonly #announce: (now: number) => void;
  #incarnation = 0;
  /** The worst accusation that waits for its turn. */
  #accused = -1;
  #retry: TimerRow | undefined;

  /** `announce` spreads the news of a new incarnation. */
  constructor(context: CoreContext, announce: (now: number) => void) {
    this.#context = context;
    this.#announce = announce;
    const { probeIntervalMs, limits } = context.config;
    this.#limiter = new RateLimiter({
      perS: 1000 / Math.max(1000, probeIntervalMs),
      burst: limits.refutationBurst,
    });
  }

  /** Our present incarnation; 0 before the first {@link Refuter.next}. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** One more, for news of our own. Stays where it is at the ceiling. */
  next(): number {
    this.#incarnation = Math.min(MAX_INCARNATION, this.#incarnation + 1);
    return this.#incarnation;
  }

  /** Somebody holds something against us that carries `accused` as our incarnation, which is not below ours. */
  refute(now: number, accused: number): void {
    const { metrics, gate } = this.#context;
    if (accused >= MAX_INCARNATION) {
      metrics.incarnationCeilings.inc();
      gate.error(
        now,
        { incarnation: accused },
        'accused with the largest incarnation, which cannot be refuted: start this node under a new name',
      );
      return;
    }
    this.#accused = Math.max(this.#accused, accused);
    if (this.#retry !== undefined) return;
    if (this.#limiter.take(now)) this.#answer(now);
    else this.#postpone(now);
  }

  #postpone(now: number): void {
    const { metrics, gate, timers } = this.#context;
    metrics.deferredRefutations.inc();
    gate.warn(now, {}, 'too many accusations of this node, refuting them later');
    const at = now + Math.ceil(this.#limiter.waitMs(now));
    this.#retry = timers.set('refute', at, (later) => {
      this.#retry = undefined;
      if (this.#limiter.take(later)) this.#answer(later);
      else this.#postpone(later);
    });
  }

  #answer(now: number): void {
    const { awareness, metrics } = this.#context;
    this.#incarnation = Math.min(MAX_INCARNATION, Math.max(this.#incarnation, this.#accused) + 1);
    this.#accused = -1;
    awareness.change(1);
    metrics.refutations.inc();
    this.#announce(now);
  }
}
