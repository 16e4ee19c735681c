import type { CoreContext } from './context.ts';
import { suspicionPlan } from './formulas.ts';
import { Suspicion } from './suspicion.ts';
import type { TimerRow } from './timer-table.ts';

interface Running {
  readonly suspicion: Suspicion;
  timer: TimerRow;
}

/** The running suspicions, one a member at most. */
export class Suspicions {
  readonly #context: CoreContext;
  readonly #running = new Map<number, Running>();
  readonly #onTimeout: (now: number, id: number) => void;

  /** `onTimeout` is called when nobody refuted in time. */
  constructor(context: CoreContext, onTimeout: (now: number, id: number) => void) {
    this.#context = context;
    this.#onTimeout = onTimeout;
  }

  start(now: number, id: number, accuser: string): void {
    const { config, members } = this.#context;
    const plan = suspicionPlan(
      { ...config, dynamic: config.lifeguard.dynamicSuspicion },
      members.size,
      config.suspicionCountsOnlyAlive ? members.live : members.size,
    );
    const suspicion = new Suspicion(plan, accuser, now);
    this.end(id);
    this.#running.set(id, { suspicion, timer: this.#arm(id, suspicion) });
  }

  /** Whether the accusation is one that was not known. An accusation of somebody who is not suspect is not. */
  confirm(id: number, accuser: string): boolean {
    const running = this.#running.get(id);
    if (running?.suspicion.confirm(accuser) !== true) return false;
    this.#context.timers.cancel(running.timer);
    running.timer = this.#arm(id, running.suspicion);
    return true;
  }

  end(id: number): void {
    this.#context.timers.cancel(this.#running.get(id)?.timer);
    this.#running.delete(id);
  }

  #arm(id: number, suspicion: Suspicion): TimerRow {
    return this.#context.timers.set('suspicion', suspicion.deadline, (now) => {
      this.#running.delete(id);
      const { confirmations, plan } = suspicion;
      if (confirmations < plan.confirmations) this.#context.metrics.degradedTimeouts.inc();
      this.#onTimeout(now, id);
    });
  }
}
