interface Cut {
  blocks(from: string, to: string): boolean;
}

/** Which hosts cannot reach which. Costs one look at each cut in force. */
export class Partitions {
  readonly #cuts = new Set<Cut>();

  /** Whether some cut lies between two hosts in this direction. */
  blocks(from: string, to: string): boolean {
    for (const cut of this.#cuts) if (cut.blocks(from, to)) return true;
    return false;
  }

  /** Cuts the groups off from each other. Hosts in no group are not concerned. */
  split(groups: readonly (readonly string[])[]): Disposable {
    const groupOf = new Map<string, number>();
    for (const [index, group] of groups.entries()) {
      for (const host of group) groupOf.set(host, index);
    }
    return this.#add({
      blocks: (from, to) => {
        const a = groupOf.get(from);
        const b = groupOf.get(to);
        return a !== undefined && b !== undefined && a !== b;
      },
    });
  }

  /** Cuts one direction. */
  block(from: readonly string[], to: readonly string[]): Disposable {
    const sources = new Set(from);
    const targets = new Set(to);
    return this.#add({ blocks: (a, b) => sources.has(a) && targets.has(b) });
  }

  #add(cut: Cut): Disposable {
    this.#cuts.add(cut);
    return { [Symbol.dispose]: () => this.#cuts.delete(cut) };
  }
}
