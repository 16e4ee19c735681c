import { assert, type Random } from '@ml/runtime';
import type { MemberState } from '../events.ts';
import type { Identity, MemberPool } from './member-pool.ts';
import { isGone } from './transitions.ts';

const STATES = ['alive', 'suspect', 'dead', 'left'] as const;
const CODES = { alive: 0, suspect: 1, dead: 2, left: 3 } as const;
const ABSENT = 255;

/**
 * One node's view of all members, as columns over the numbers of a {@link MemberPool}, and the list in which they are
 * probed and sent. Dead and left members stay until {@link MemberTable.reap}.
 */
export class MemberTable {
  readonly #pool: MemberPool;
  readonly #random: Random;
  #states = new Uint8Array(0);
  #incarnations = new Uint32Array(0);
  #changedAt = new Float64Array(0);
  #identities: (Identity | undefined)[] = [];
  /** Member numbers in probe order; the first `#size` count. */
  #order = new Uint32Array(0);
  #size = 0;
  readonly #counts = new Uint32Array(STATES.length);

  constructor(pool: MemberPool, random: Random) {
    this.#pool = pool;
    this.#random = random;
  }

  /** Rows, dead and left ones included: the reference's node count. */
  get size(): number {
    return this.#size;
  }

  /** Members that are alive or suspect. */
  get live(): number {
    return this.count('alive') + this.count('suspect');
  }

  count(state: MemberState): number {
    return this.#counts[CODES[state]] ?? 0;
  }

  /** The row of `name`, −1 when there is none. */
  find(name: string): number {
    const id = this.#pool.lookup(name);
    return this.has(id) ? id : -1;
  }

  has(id: number): boolean {
    return id >= 0 && id < this.#states.length && this.#states[id] !== ABSENT;
  }

  /** The row at a place of the probe order. */
  at(index: number): number {
    const id = this.#order[index];
    assert(id !== undefined && index < this.#size, 'probe order index out of range');
    return id;
  }

  state(id: number): MemberState {
    const state = STATES[this.#states[id] ?? ABSENT];
    assert(state !== undefined, 'no such member row');
    return state;
  }

  incarnation(id: number): number {
    return this.#incarnations[id] ?? 0;
  }

  /** When the state last changed; −∞ for a row that has only just been made. */
  changedAt(id: number): number {
    return this.#changedAt[id] ?? Number.NEGATIVE_INFINITY;
  }

  identity(id: number): Identity {
    const identity = this.#identities[id];
    assert(identity !== undefined, 'no such member row');
    return identity;
  }

  /** A new row, dead since ever and of incarnation 0, at a random place of the probe order. */
  insert(name: string, makeIdentity: (id: number) => Identity): number {
    const id = this.#pool.acquire(name);
    assert(!this.has(id), 'member row exists already');
    this.#reserve(id);
    this.#identities[id] = makeIdentity(id);
    this.#states[id] = CODES.dead;
    this.#incarnations[id] = 0;
    this.#changedAt[id] = Number.NEGATIVE_INFINITY;
    this.#counts[CODES.dead] = this.count('dead') + 1;
    this.#order = grown(this.#order, this.#size, (length) => new Uint32Array(length));
    const place = this.#size === 0 ? 0 : this.#random.int(this.#size);
    this.#order[this.#size] = this.#order[place] ?? 0;
    this.#order[place] = id;
    this.#size += 1;
    return id;
  }

  setIdentity(id: number, identity: Identity): void {
    this.#identities[id] = identity;
  }

  setIncarnation(id: number, incarnation: number): void {
    this.#incarnations[id] = incarnation;
  }

  setState(id: number, state: MemberState, now: number): void {
    const before = this.state(id);
    this.#counts[CODES[before]] = this.count(before) - 1;
    this.#counts[CODES[state]] = this.count(state) + 1;
    this.#states[id] = CODES[state];
    this.#changedAt[id] = now;
  }

  /** Removes rows that have been dead or left for longer than `afterMs` (never `keep`), and shuffles the probe order. */
  reap(now: number, afterMs: number, keep: number): void {
    let kept = 0;
    for (let i = 0; i < this.#size; i++) {
      const id = this.at(i);
      if (id !== keep && isGone(this.state(id)) && now - this.changedAt(id) > afterMs) {
        this.#remove(id);
      } else this.#order[kept++] = id;
    }
    this.#size = kept;
    for (let i = kept - 1; i > 0; i--) this.#swap(i, this.#random.int(i + 1));
  }

  /**
   * Up to `count` different rows that `accept` takes, each such set being equally likely: fewer only when there
   * are no more (the reference may miss some; G-31).
   */
  sample(count: number, accept: (id: number) => boolean): number[] {
    const chosen: number[] = [];
    const taken = (id: number): boolean => chosen.includes(id);
    const draws = this.#size >= 3 * count ? 3 * this.#size : 0;
    for (let i = 0; i < draws && chosen.length < count; i++) {
      const id = this.at(this.#random.int(this.#size));
      if (!taken(id) && accept(id)) chosen.push(id);
    }
    if (chosen.length === count || count === 0) return chosen;
    const rest: number[] = [];
    for (let i = 0; i < this.#size; i++) {
      const id = this.at(i);
      if (!taken(id) && accept(id)) rest.push(id);
    }
    chosen.push(...this.#random.shuffle(rest).slice(0, count - chosen.length));
    return chosen;
  }

  /** Gives the rows back to the pool; the table is empty then. */
  clear(): void {
    for (let i = 0; i < this.#size; i++) this.#remove(this.at(i));
    this.#size = 0;
  }

  #remove(id: number): void {
    const state = this.state(id);
    this.#counts[CODES[state]] = this.count(state) - 1;
    this.#states[id] = ABSENT;
    this.#identities[id] = undefined;
    this.#pool.release(id);
  }

  #swap(a: number, b: number): void {
    const id = this.at(a);
    this.#order[a] = this.at(b);
    this.#order[b] = id;
  }

  #reserve(id: number): void {
    this.#states = grown(this.#states, id, (length) => new Uint8Array(length).fill(ABSENT));
    this.#incarnations = grown(this.#incarnations, id, (length) => new Uint32Array(length));
    this.#changedAt = grown(this.#changedAt, id, (length) => new Float64Array(length));
    while (this.#identities.length <= id) this.#identities.push(undefined);
  }
}

/** `column` with room for `index`; grows by half so that many tables waste little. */
function grown<T extends Uint8Array | Uint32Array | Float64Array>(
  column: T,
  index: number,
  make: (length: number) => T,
): T {
  if (index < column.length) return column;
  const wider = make(Math.max(16, index + 1, column.length + (column.length >> 1)));
  wider.set(column);
  return wider;
}
