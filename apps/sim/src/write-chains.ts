/** Accepted writes of one item in one life of its node. */
interface Chain {
  readonly life: number;
  /** Times of the states that accepted writes replaced. */
  readonly replaced: Set<number>;
}

/** What a write that found no item replaces. */
export const NO_ITEM = -1;
/** States of an item that are remembered; the oldest are forgotten. */
const MAX_REPLACED = 1000;

/** Finds lost writes: each accepted write of an item must replace another state of it than all others before. */
export class WriteChains {
  readonly #chains = new Map<string, Chain>();
  #lost = 0;

  /** Writes that were accepted although another accepted one had replaced the same state: one of the two is lost. */
  get lost(): number {
    return this.#lost;
  }

  /** A write was accepted. `life`: of its node, whose store forgets all when it ends. `replaced`: time of the state before. */
  accepted(item: string, life: number, replaced: number): void {
    const known = this.#chains.get(item);
    const chain = known?.life === life ? known : { life, replaced: new Set<number>() };
    this.#chains.set(item, chain);
    if (chain.replaced.has(replaced)) this.#lost += 1;
    chain.replaced.add(replaced);
    const [oldest] = chain.replaced;
    if (chain.replaced.size > MAX_REPLACED && oldest !== undefined) chain.replaced.delete(oldest);
  }
}
