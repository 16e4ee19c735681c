import { assert } from '@ml/runtime';
import { packTokens } from './packed-tokens.ts';
import { firstNotBelow } from './token-search.ts';

/** One past the largest token: the ring is a circle of this many positions. */
export const TOKEN_SPACE = 4294967296;

/** Sets of tokens side by side. While it is open, more are added and the memory is borrowed. */
export class TokenColumn {
  values: Uint32Array;
  open: boolean = true;

  constructor(values: Uint32Array) {
    this.values = values;
  }

  /** Takes memory of its own for the first `length` tokens. */
  close(length: number): void {
    this.values = this.values.slice(0, length);
    this.open = false;
  }
}

/**
 * An immutable, ascending set of tokens (unsigned 32-bit integers). Once its packed encoding was needed it is kept
 * (5 bytes a token): most messages repeat token sets that are known, and are then compared and written byte by byte.
 */
export class Tokens implements Iterable<number> {
  /** No tokens. */
  static readonly none: Tokens = Tokens.#own(new Uint32Array(0));

  readonly #column: TokenColumn | undefined;
  readonly #from: number;
  readonly #to: number;
  #values: Uint32Array | undefined;
  /** The canonical encoding, in memory of its own. */
  #packed: Uint8Array | undefined;

  private constructor(column: TokenColumn | undefined, from: number, to: number) {
    this.#column = column;
    this.#from = from;
    this.#to = to;
  }

  static #own(values: Uint32Array): Tokens {
    const tokens = new Tokens(undefined, 0, values.length);
    tokens.#values = values;
    return tokens;
  }

  /** The ascending part `[from, to)` of a column. */
  static within(column: TokenColumn, from: number, to: number): Tokens {
    return new Tokens(column, from, to);
  }

  /** Sorts and de-duplicates. Values must be integers from 0 to 2^32 - 1 (a programming error otherwise). */
  static of(values: Iterable<number>): Tokens {
    const list = Array.from(values);
    for (const value of list) assert(isUint32(value), `token ${value} is a uint32`);
    return Tokens.normalised(Uint32Array.from(list));
  }

  /** As {@link of}, over an array that the caller gives away. */
  static normalised(values: Uint32Array): Tokens {
    if (values.length === 0) return Tokens.none;
    return Tokens.#own(isAscending(values) ? values : sortedUnique(values));
  }

  /** How many tokens. */
  get size(): number {
    return this.#to - this.#from;
  }

  get isEmpty(): boolean {
    return this.#to === this.#from;
  }

  /** The tokens, ascending. Shared: treat as read-only. */
  get values(): Uint32Array {
    if (this.#values !== undefined) return this.#values;
    const column = this.#column;
    const values = column?.values.subarray(this.#from, this.#to) ?? Tokens.none.values;
    if (column?.open !== true) this.#values = values;
    return values;
  }

  [Symbol.iterator](): Iterator<number> {
    return this.values[Symbol.iterator]();
  }

  has(token: number): boolean {
    const values = this.values;
    return values[firstNotBelow(values, token, 0, values.length)] === token;
  }

  /** Whether both hold the same tokens. */
  equals(other: Tokens): boolean {
    return this === other || sameValues(this.values, other.values);
  }

  /** The canonical packed encoding. Shared: treat as read-only. */
  get packed(): Uint8Array {
    this.#packed ??= packTokens(this.values);
    return this.#packed;
  }

  /**
   * Whether `bytes[start, end)` are the canonical packed encoding of this set: proof enough that they are sound, so
   * that they need not be decoded.
   */
  isPackedAs(bytes: Buffer, start: number, end: number): boolean {
    const { packed } = this;
    const { length } = packed;
    return length === end - start && bytes.compare(packed, 0, length, start, end) === 0;
  }

  /** Without the given tokens. */
  without(removed: ReadonlySet<number>): Tokens {
    if (removed.size === 0) return this;
    return Tokens.normalised(this.values.filter((token) => !removed.has(token)));
  }

  /** With the given tokens added. */
  with(added: Iterable<number>): Tokens {
    const more = Tokens.of(added).values;
    if (more.length === 0) return this;
    const all = new Uint32Array(this.size + more.length);
    all.set(this.values);
    all.set(more, this.size);
    return Tokens.normalised(all);
  }
}

/** Whether `value` can be a token: a whole number from 0 to 2^32 - 1. */
export function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < TOKEN_SPACE;
}

function isAscending(values: Uint32Array): boolean {
  for (let i = 1; i < values.length; i++) {
    if ((values[i] ?? 0) <= (values[i - 1] ?? 0)) return false;
  }
  return true;
}

function sortedUnique(values: Uint32Array): Uint32Array {
  const sorted = values.slice().sort();
  let kept = 0;
  for (let i = 0; i < sorted.length; i++) {
    const token = sorted[i] ?? 0;
    if (kept === 0 || sorted[kept - 1] !== token) sorted[kept++] = token;
  }
  return sorted.slice(0, kept);
}

function sameValues(a: Uint32Array, b: Uint32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
