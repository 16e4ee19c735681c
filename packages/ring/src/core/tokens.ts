import { assert } from '@ml/runtime';
import { unpackTokens } from './packed-tokens.ts';

/** One past the largest token: the ring is a circle of this many positions. */
export const TOKEN_SPACE = 4294967296;

/**
 * An immutable, ascending set of tokens (unsigned 32-bit integers). One that came from the wire keeps its packed
 * bytes and decodes them only when its values are asked for: most values that arrive by gossip never are.
 */
export class Tokens implements Iterable<number> {
  /** No tokens. */
  static readonly none: Tokens = new Tokens(new Uint32Array(0), undefined, 0, 0);

  #values: Uint32Array | undefined;
  #canonical: boolean;
  readonly #packed: Uint8Array | undefined;
  readonly #start: number;
  readonly #end: number;

  private constructor(
    values: Uint32Array | undefined,
    packed: Uint8Array | undefined,
    start: number,
    end: number,
  ) {
    this.#values = values;
    this.#canonical = packed === undefined;
    this.#packed = packed;
    this.#start = start;
    this.#end = end;
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
    return new Tokens(isAscending(values) ? values : sortedUnique(values), undefined, 0, 0);
  }

  /**
   * Tokens still encoded as packed varints in `bytes[start, end)`. The bytes must end with a complete varint and must
   * not change afterwards; they are written again as they are until {@link canonical} is taken.
   */
  static packed(bytes: Uint8Array, start: number, end: number): Tokens {
    return start === end ? Tokens.none : new Tokens(undefined, bytes, start, end);
  }

  /** How many tokens. */
  get size(): number {
    return this.values.length;
  }

  get isEmpty(): boolean {
    return this.#values === undefined ? this.#start === this.#end : this.#values.length === 0;
  }

  /** The tokens, ascending. Shared: treat as read-only. */
  get values(): Uint32Array {
    if (this.#values === undefined) this.#decode();
    return this.#values ?? Tokens.none.values;
  }

  [Symbol.iterator](): Iterator<number> {
    return this.values[Symbol.iterator]();
  }

  has(token: number): boolean {
    const values = this.values;
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((values[middle] ?? 0) < token) low = middle + 1;
      else high = middle;
    }
    return low < values.length && values[low] === token;
  }

  /** Whether both hold the same tokens; decodes only when the encoded bytes differ. */
  equals(other: Tokens): boolean {
    if (this === other) return true;
    const a = this.#packed;
    const b = other.#packed;
    if (a !== undefined && b !== undefined) {
      const length = this.#end - this.#start;
      if (
        length === other.#end - other.#start &&
        sameBytes(a, this.#start, b, other.#start, length)
      ) {
        return true;
      }
    }
    if (this.#values !== undefined && other.#encodes(this.#values)) return true;
    if (other.#values !== undefined && this.#encodes(other.#values)) return true;
    return sameValues(this.values, other.values);
  }

  /** Whether the packed bytes hold just these tokens in this order; found out without decoding into memory. */
  #encodes(values: Uint32Array): boolean {
    const bytes = this.#packed;
    if (bytes === undefined || this.#values !== undefined) return false;
    let at = this.#start;
    for (let i = 0; i < values.length; i++) {
      let byte = bytes[at++] ?? 0;
      let value = byte & 0x7f;
      for (let shift = 7; byte > 0x7f && shift < 32; shift += 7) {
        byte = bytes[at++] ?? 0;
        value |= (byte & 0x7f) << shift;
      }
      if (byte > 0x7f || value >>> 0 !== values[i] || at > this.#end) return false;
    }
    return at === this.#end;
  }

  /** The same set with minimal, sorted bytes of its own: safe to keep and to send on, whatever a peer wrote. */
  canonical(): Tokens {
    const packed = this.#packed;
    if (packed === undefined) return this;
    const values = this.values;
    if (values.length === 0) return Tokens.none;
    if (!this.#canonical) return new Tokens(values, undefined, 0, 0);
    if (packed.byteLength <= 2 * (this.#end - this.#start)) return this;
    // A slice of a large message would keep all of it alive.
    const own = new Tokens(
      values,
      packed.slice(this.#start, this.#end),
      0,
      this.#end - this.#start,
    );
    own.#canonical = true;
    return own;
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

  /** Bytes of the packed encoding. */
  get packedLength(): number {
    if (this.#packed !== undefined) return this.#end - this.#start;
    let length = 0;
    for (const token of this.values) length += varintLength(token);
    return length;
  }

  /** Writes the packed encoding at `at` and returns the position behind it. */
  writePacked(into: Uint8Array, at: number): number {
    if (this.#packed !== undefined) {
      into.set(this.#packed.subarray(this.#start, this.#end), at);
      return at + this.#end - this.#start;
    }
    let to = at;
    for (let token of this.values) {
      while (token > 0x7f) {
        into[to++] = (token & 0x7f) | 0x80;
        token >>>= 7;
      }
      into[to++] = token;
    }
    return to;
  }

  #decode(): void {
    const bytes = this.#packed ?? new Uint8Array(0);
    const { values, canonical } = unpackTokens(bytes, this.#start, this.#end);
    this.#canonical = canonical;
    this.#values = canonical || isAscending(values) ? values : sortedUnique(values);
  }
}

/** Whether `value` can be a token: a whole number from 0 to 2^32 - 1. */
export function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < TOKEN_SPACE;
}

/** Bytes of `value` (a uint32) as a varint. */
export function varintLength(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
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

function sameBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  const x = new DataView(a.buffer, a.byteOffset + aStart, length);
  const y = new DataView(b.buffer, b.byteOffset + bStart, length);
  let at = 0;
  for (; at + 4 <= length; at += 4) if (x.getInt32(at) !== y.getInt32(at)) return false;
  for (; at < length; at++) if (x.getInt8(at) !== y.getInt8(at)) return false;
  return true;
}
