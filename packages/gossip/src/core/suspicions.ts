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
    this.#context.log.debug(this.#fields(id, suspicion, accuser), 'member is suspect');
  }

  /** Whether the accusation is one that was not known. An accusation of somebody who is not suspect is not. */
  confirm(id: number, accuser: string): boolean {
    const running = this.#running.get(id);
    if (running?.suspicion.confirm(accuser) !== true) return false;
    const { suspicion } = running;
    this.#context.timers.cancel(running.timer);
    running.timer = this.#arm(id, suspicion);
    this.#context.log.debug(this.#fields(id, suspicion, accuser), 'suspicion is confirmed');
    return true;
  }

  end(id: number): void {
    this.#context.timers.cancel(this.#running.get(id)?.timer);
    this.#running.delete(id);
  }

  #arm(id: number, suspicion: Suspicion): TimerRow {
    return this.#context.timers.set('suspicion', suspicion.deadline, (now) => {
      this.#running.delete(id);
      const { confirmations, plan, startedAt } = suspicion;
      const { metrics, log } = this.#context;
      if (confirmations < plan.confirmations) metrics.degradedTimeouts.inc();
      const fields = { ...this.#fields(id, suspicion), suspectMs: now - startedAt };
      log.info(fields, 'member is dead: nobody refuted the suspicion in time');
      this.#onTimeout(now, id);
    });
  }

  #fields(id: number, { confirmations, plan }: Suspicion, from?: string): object {
    const member = this.#context.members.identity(id).name;
    return { member, from, confirmations, confirmationsWanted: plan.confirmations };
  }
}
