import type { RingView } from './view.ts';

/** Told when a subring is looked at, and may get an index of so many tokens. */
export interface SubringObserver {
  indexed(subring: Subring, tokens: number): void;
}

/**
 * Some instances of a ring, with states and heartbeats as the ring has them. It follows the ring until that changes
 * its topology, and then stays as it was last seen. What look-ups in it need is made at the first one. R-25
 */
export class Subring {
  readonly #parent: () => RingView;
  readonly #observer: SubringObserver | undefined;
  readonly #positions: Uint32Array;
  /** The parent that {@link #view} shows. */
  #seen: RingView;
  #view: RingView | undefined = undefined;

  constructor(
    parent: () => RingView,
    positions: Uint32Array,
    observer: SubringObserver | undefined,
  ) {
    this.#parent = parent;
    this.#positions = positions;
    this.#observer = observer;
    this.#seen = parent();
  }

  /** The subring now. */
  readonly view = (): RingView => {
    const parent = this.#parent();
    if (this.#view !== undefined && parent === this.#seen) return this.#view;
    const follows = parent.placement === this.#seen.placement;
    if (follows) this.#seen = parent;
    if (this.#view !== undefined && !follows) return this.#view;
    const isNew = this.#view === undefined;
    this.#view = this.#seen.subset(this.#positions, this.#view);
    if (isNew) this.#observer?.indexed(this, countTokens(this.#view));
    return this.#view;
  };

  /** Frees what look-ups needed; the next one makes it again. */
  release(): void {
    this.#view = undefined;
  }
}

function countTokens({ instances }: RingView): number {
  return instances.reduce((count, { tokens }) => count + tokens.size, 0);
}
