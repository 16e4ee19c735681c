/** What each replica knows of one counter: how often every owner it ever had has counted. */
export type Counts = Readonly<Record<string, number>>;

/**
 * Counters that replicas can merge in any order: every owner counts in a slot of its own, and of two copies of a slot
 * the higher one is newer. So a new owner goes on after a crash, and nothing is counted twice.
 */
export class CounterStore {
  readonly #counters = new Map<string, Map<string, number>>();

  /** Counts once more in the slot of `owner`. */
  increment(key: string, owner: string): Counts {
    const slots = this.#slots(key);
    slots.set(owner, (slots.get(owner) ?? 0) + 1);
    return Object.fromEntries(slots);
  }

  /** Takes over what another replica knows. */
  merge(key: string, counts: Counts): void {
    const slots = this.#slots(key);
    for (const [owner, count] of Object.entries(counts)) {
      slots.set(owner, Math.max(count, slots.get(owner) ?? 0));
    }
  }

  total(key: string): number {
    let total = 0;
    for (const count of this.#slots(key).values()) total += count;
    return total;
  }

  #slots(key: string): Map<string, number> {
    let slots = this.#counters.get(key);
    if (slots === undefined) {
      slots = new Map();
      this.#counters.set(key, slots);
    }
    return slots;
  }
}
