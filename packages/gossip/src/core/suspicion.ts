import { type SuspicionPlan, suspicionTimeoutMs } from './formulas.ts';

/** One running suspicion: who confirmed it, and when it runs out. */
export class Suspicion {
  readonly plan: SuspicionPlan;
  readonly #startedAt: number;
  readonly #accusers: Set<string>;

  /** `accuser` is who said it first: a second word of theirs confirms nothing. */
  constructor(plan: SuspicionPlan, accuser: string, now: number) {
    this.plan = plan;
    this.#startedAt = now;
    this.#accusers = new Set([accuser]);
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  /** Independent confirmations so far; never more than the plan asks for. */
  get confirmations(): number {
    return this.#accusers.size - 1;
  }

  get deadline(): number {
    return this.#startedAt + suspicionTimeoutMs(this.plan, this.confirmations);
  }

  /** Whether `accuser` is news, which moves the deadline closer. */
  confirm(accuser: string): boolean {
    if (this.confirmations >= this.plan.confirmations || this.#accusers.has(accuser)) return false;
    this.#accusers.add(accuser);
    return true;
  }
}
