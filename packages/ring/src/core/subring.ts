import { RingDesc } from './desc.ts';
import type { InstanceDesc } from './instance.ts';
import { RingView } from './view.ts';

/** Told when a subring has got an index of its own. */
export interface SubringObserver {
  indexed(subring: Subring, tokens: number): void;
}

/**
 * Some instances of a ring, with states and heartbeats as the ring has them. It follows the ring until that changes
 * its topology, and then stays as it was last seen. What look-ups in it need is made at the first one. R-24
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
    if (this.#view === undefined) {
      this.#view = RingView.of(this.#members(), this.#seen.options);
      this.#observer?.indexed(this, this.#view.topology.tokens.length);
    } else if (follows) {
      this.#view = this.#view.update(this.#members()).view;
    }
    return this.#view;
  };

  /** Frees what look-ups needed; the next one makes it again. */
  release(): void {
    this.#view = undefined;
  }

  #members(): RingDesc {
    const members: InstanceDesc[] = [];
    for (const position of this.#positions) {
      const instance = this.#seen.instances[position];
      if (instance !== undefined) members.push(instance);
    }
    return RingDesc.of(members);
  }
}
