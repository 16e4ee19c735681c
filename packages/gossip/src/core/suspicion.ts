import { type SuspicionPlan, suspicionTimeoutMs } from './formulas.ts';

/** One running suspicion: who confirmed it, and when it runs out. */
export class Suspicion {
  readonly plan: SuspicionPlan;
  readonly #startedAt: number;
  /** Few: the first, and one for each confirmation that the plan asks for. */
  readonly #accusers: string[];

  /** `accuser` is who said it first: a second word of theirs confirms nothing. */
  constructor(plan: SuspicionPlan, accuser: string, now: number) {
    this.plan = plan;
    this.#startedAt = now;
    this.#accusers = [accuser];
  }

  get startedAt(): number {
    return this.#startedAt;
  }

  /** Independent confirmations so far; never more than the plan asks for. */
  get confirmations(): number {
    return this.#accusers.length - 1;
  }

  get deadline(): number {
    return this.#startedAt + suspicionTimeoutMs(this.plan, this.confirmations);
  }

  /** Whether `accuser` is news, which moves the deadline closer. */
  confirm(accuser: string): boolean {
    if (this.confirmations >= this.plan.confirmations) return false;
    if (this.#accusers.includes(accuser)) return false;
    this.#accusers.push(accuser);
    return true;
  }
}
