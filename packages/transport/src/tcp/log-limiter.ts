/** Says which of many similar log lines are worth writing: one per key and period. Holds a bounded number of keys. */
export class LogLimiter {
  readonly #periodMs: number;
  readonly #maxKeys: number;
  readonly #lastMs = new Map<string, number>();

  constructor(options: { readonly periodMs: number; readonly maxKeys: number }) {
    this.#periodMs = options.periodMs;
    this.#maxKeys = options.maxKeys;
  }

  /** Whether `key` was not seen within the period before `now`; if so it counts as seen. */
  first(key: string, now: number): boolean {
    const last = this.#lastMs.get(key);
    if (last !== undefined && now - last < this.#periodMs) return false;
    this.#lastMs.delete(key);
    this.#lastMs.set(key, now);
    if (this.#lastMs.size > this.#maxKeys) {
      const [oldest] = this.#lastMs.keys();
      if (oldest !== undefined) this.#lastMs.delete(oldest);
    }
    return true;
  }
}
