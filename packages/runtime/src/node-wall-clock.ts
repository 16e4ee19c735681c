/** So many readings of the same millisecond in a row show that the clock is being asked in a loop. */
const LOOP = 16;
/** In a loop, so many calls share one reading. */
const SHARED = 32;

/**
 * The wall clock of the process, cheap enough to be asked for every key of a loop: reading the machine's clock costs
 * more than a whole look-up in a hash ring, and holds up the memory accesses around it. Of
 * those who ask over and over within a millisecond, 32 at a time share a reading. None is shared beyond the end of the
 * synchronous run of code that it was made in, save by continuations that were waiting by then: what has happened
 * since cannot have reached this process yet.
 */
export class NodeWallClock {
  readonly #read: () => number;
  #unixMs = 0;
  /** Readings of {@link #unixMs} so far. */
  #same = 0;
  /** Calls that still get {@link #unixMs} unread. */
  #left = 0;
  /** How many times the end of the sharing has been asked for: once at most. */
  #ends = 0;
  readonly #end = (): void => {
    this.#ends = 0;
    this.#left = 0;
    this.#same = 0;
  };

  /** @param read Default: the machine's clock. */
  constructor(read: () => number = Date.now) {
    this.#read = read;
  }

  unixMs(): number {
    if (this.#left === 0) return this.#readAgain();
    this.#left--;
    return this.#unixMs;
  }

  #readAgain(): number {
    const unixMs = this.#read();
    if (unixMs !== this.#unixMs) {
      this.#unixMs = unixMs;
      this.#same = 0;
    } else if (this.#same < LOOP) {
      this.#same++;
    } else {
      this.#left = SHARED - 1;
      if (this.#ends === 0) queueMicrotask(this.#end);
      this.#ends = 1;
    }
    return unixMs;
  }
}
