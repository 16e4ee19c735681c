/**
 * How well this node itself is doing: 0 is healthy, each point stretches the probe interval by one more interval.
 * Lifeguard's local health multiplier (§IV-A), as memberlist bounds it.
 */
export class Awareness {
  readonly #enabled: boolean;
  readonly #maxScore: number;
  #score = 0;

  /** `maxMultiplier` (at least 1) is one more than the highest score. Disabled, the score stays 0. */
  constructor(options: { readonly enabled: boolean; readonly maxMultiplier: number }) {
    this.#enabled = options.enabled;
    this.#maxScore = options.maxMultiplier - 1;
  }

  get score(): number {
    return this.#score;
  }

  /** Adds `delta` to the score, within its bounds. */
  change(delta: number): void {
    if (!this.#enabled) return;
    this.#score = Math.min(this.#maxScore, Math.max(0, this.#score + delta));
  }

  /** `intervalMs`, stretched by the score. */
  scale(intervalMs: number): number {
    return intervalMs * (this.#score + 1);
  }
}
