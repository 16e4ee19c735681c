import { assert } from '@ml/runtime';
import { maskOf } from './bits.ts';
import { type Column, ENTRY_PREFIX_BITS, entriesOf, startsOf } from './token-prefixes.ts';
import { firstAbove } from './token-search.ts';

/** No table is made for more replicas: their walks are rare. */
export const MAX_WIDTH = 7;
/** When more tokens share a prefix, all are searched by halving: random tokens never do. */
const CROWD = 64;
/** Bits of a token that follow its prefix, by which it is told from those of the same prefix: nearly always enough. */
export const REST_BITS = 16;
/** So many tokens of a prefix are searched in four steps, whatever they are. */
const FEW = 15;
/** Elements that those steps may look at behind the last token's. */
export const RESTS_BEHIND = 15;
/** Elements before the first token's, so that each has one before it. */
export const RESTS_BEFORE = 1;
/** There are several prefixes for each token, and an entry for each prefix. */
const BY_ENTRIES = 0;
/** There are several tokens to a prefix. */
const BY_RESTS = 1;
/** There are many tokens to some prefixes. */
const BY_HALVING = 2;

const NONE = new Uint16Array(0);
const NO_ENTRIES = new Int32Array(0);

/**
 * How the bits of a row are used. From the top: how many rows on the third and the second replica are found, then the
 * position of the token's owner. Where there is room for the positions of all replicas, a row is those.
 */
export interface RowLayout {
  /** Bits of a token by which its row is found. */
  readonly prefixBits: number;
  /** Whether these make several prefixes for each token, {@link ENTRY_PREFIX_BITS} more than number the tokens. */
  readonly isSparse: boolean;
  readonly ownerBits: number;
  /** Whether rows hold the positions of all replicas, the first one's in the lowest bits; less than a word in all. */
  readonly isWhole: boolean;
  readonly secondBits: number;
  readonly thirdBits: number;
}

/** What a table is made of. */
export interface ReplicaRows {
  readonly layout: RowLayout;
  /** How many instances hold each key; at most {@link MAX_WIDTH}, and not more than there are groups with tokens. */
  readonly width: number;
  /** A row for each token, then so many of the first again that no hint leads behind the end. */
  readonly rows: Column;
  /** The second and further instances of each row, where walking to them would take long; hints are not looked at then. */
  readonly others: Column | undefined;
  /**
   * The bits of each token that follow its prefix, between {@link RESTS_BEFORE} and {@link RESTS_BEHIND} others; empty
   * when there are several prefixes for each token.
   */
  readonly rests: Uint16Array;
  /** Every token once, ascending. */
  readonly tokens: Uint32Array;
  /** The group of each instance; a key's replicas are in different ones. */
  readonly groupOf: Uint32Array;
}

/**
 * The outcome of every walk along the ring in which no instance extends it, so that a look-up needs hardly more than
 * one line of memory.
 *
 * A walk takes the first instance of each group that it meets, where a group is a zone if replicas must be in
 * different zones, else a single instance; instances without a zone are groups of their own. R-32
 *
 * In small rings a row is a word that holds all replicas. In others it is half a word, which keeps half a million of
 * them in caches of a few MB. Where the second and third replica are further away than such a row can say, which is rare
 * in most rings, the walk is made. Rings in which it is not rare, or walks are long, have a second table of those
 * replicas.
 *
 * Numbers stand in the fields from the outset, and no truth values: the compiler then takes the former for the small
 * integers they always are, where it would look at each of them first, and the latter cost more than a comparison.
 */
export class ReplicaTable {
  /** How many instances hold each key: the replicas, or all groups if there are fewer. */
  readonly width: number = 0;
  readonly #rows: Column;
  readonly #others: Column | undefined;
  readonly #rests: Uint16Array;
  readonly #tokens: Uint32Array;
  /** How many tokens. */
  readonly #size: number = 0;
  readonly #groupOf: Uint32Array;
  /** For each prefix, the number of the first token that has that prefix or a higher one; empty if it has an entry. */
  readonly #starts: Column = NONE;
  readonly #entries: Int32Array = NO_ENTRIES;
  readonly #countBits: number = 0;
  readonly #countMask: number = 0;
  /** Of what follows a prefix. */
  readonly #restMask: number = 0;
  readonly #prefixBits: number = 0;
  readonly #prefixShift: number = 0;
  readonly #ownerBits: number = 0;
  readonly #ownerMask: number = 0;
  /** Whether rows hold all replicas. */
  readonly #isWhole: 0 | 1 = 0;
  readonly #hintMask: number = 0;
  readonly #secondBits: number = 0;
  readonly #secondMask: number = 0;
  /** How the tokens of a prefix are searched. */
  readonly #way: typeof BY_ENTRIES | typeof BY_RESTS | typeof BY_HALVING = BY_ENTRIES;
  readonly #read: Uint32Array = new Uint32Array(MAX_WIDTH);

  constructor({ layout, width, rows, others, rests, tokens, groupOf }: ReplicaRows) {
    this.width = width;
    this.#rows = rows;
    this.#others = others;
    this.#rests = rests;
    this.#tokens = tokens;
    this.#size = tokens.length;
    this.#groupOf = groupOf;
    const { prefixBits } = layout;
    this.#prefixBits = prefixBits;
    this.#prefixShift = 32 - prefixBits;
    this.#restMask = maskOf(this.#prefixShift);
    this.#ownerBits = layout.ownerBits;
    this.#ownerMask = maskOf(layout.ownerBits);
    this.#isWhole = layout.isWhole ? 1 : 0;
    const isHinted = width === HINTED_WIDTH && others === undefined;
    this.#hintMask = isHinted ? maskOf(layout.secondBits + layout.thirdBits) : 0;
    this.#secondBits = layout.secondBits;
    this.#secondMask = maskOf(layout.secondBits);
    if (layout.isSparse) {
      const { entries, mostTokens } = entriesOf(tokens, prefixBits);
      this.#countBits = prefixBits - ENTRY_PREFIX_BITS;
      this.#countMask = maskOf(this.#countBits);
      if (mostTokens <= CROWD) this.#entries = entries;
    }
    if (this.#entries.length === 0) {
      const { starts, mostTokens } = startsOf(tokens, prefixBits);
      this.#starts = starts;
      this.#way = mostTokens > CROWD ? BY_HALVING : BY_RESTS;
    }
    this.#tryOut();
  }

  /**
   * Looks tokens up, so many that one of each crowded prefix is among them: a table that is wrong should not answer, and
   * the compiler, which else meets rare ways when they hold up a batch, then knows them all.
   */
  #tryOut(): void {
    const tokens = this.#tokens;
    for (let i = 0; i < tokens.length; i += FEW + 1) {
      const row = this.rowOf(tokens[i] ?? 0);
      assert(row === i + 1, `a ring's table finds row ${row} for a token of row ${i}`);
    }
  }

  /** Bytes that the table holds besides the tokens. */
  get byteLength(): number {
    const others = this.#others?.byteLength ?? 0;
    const prefixes = this.#entries.byteLength + this.#starts.byteLength;
    return this.#rows.byteLength + others + this.#rests.byteLength + prefixes;
  }

  /** How many bits each position has in what {@link find} tells, the first one in the lowest; 0 if it tells a row. */
  get wholeBits(): number {
    return this.#isWhole === 1 ? this.#ownerBits : 0;
  }

  /** What tells the instances of a key, 0 or more: what its row holds if those are all replicas, else which row it is. */
  find(key: number): number {
    const row = this.rowOf(key);
    return this.#isWhole === 1 ? (this.#rows[row] ?? 0) : row;
  }

  /** The row of the first token greater than `key`; behind the last one, where the ring begins again, is one more. */
  rowOf(key: number): number {
    if (this.#way === BY_RESTS) {
      return countByRests(this.#starts, this.#rests, this.#tokens, this.#prefixBits, key);
    }
    if (this.#way === BY_HALVING) return this.#halve(key);
    const entry = this.#entries[key >>> this.#prefixShift] ?? 0;
    if (entry < 0) return this.#step(entry & this.#countMask, key);
    return countBy(entry, key & this.#restMask, this.#countBits, this.#countMask);
  }

  /** {@link find} for each of `keys`, into `found`. */
  findAll(keys: ArrayLike<number>, found: Int32Array): void {
    let done = 0;
    if (this.#way === BY_ENTRIES && this.#isWhole === 1) done = this.#findFours(keys, found);
    else if (this.#way === BY_RESTS && this.#isWhole === 0) done = this.#findRows(keys, found);
    this.#findEach(keys, found, done, keys.length);
  }

  #findEach(keys: ArrayLike<number>, found: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) found[i] = this.find(keys[i] ?? 0);
  }

  /**
   * As {@link find} does, for four keys at a time: what the processor has to look up of an array before it gets to the
   * elements then serves all four. Returns how many are done.
   */
  #findFours(keys: ArrayLike<number>, found: Int32Array): number {
    const rows = this.#rows;
    const entries = this.#entries;
    const shift = this.#prefixShift;
    const restMask = this.#restMask;
    const bits = this.#countBits;
    const mask = this.#countMask;
    const to = keys.length & ~3;
    for (let i = 0; i < to; i = (i + 4) | 0) {
      const key0 = keys[i] ?? 0;
      const key1 = keys[(i + 1) | 0] ?? 0;
      const key2 = keys[(i + 2) | 0] ?? 0;
      const key3 = keys[(i + 3) | 0] ?? 0;
      const entry0 = entries[key0 >>> shift] ?? 0;
      const entry1 = entries[key1 >>> shift] ?? 0;
      const entry2 = entries[key2 >>> shift] ?? 0;
      const entry3 = entries[key3 >>> shift] ?? 0;
      if ((entry0 | entry1 | entry2 | entry3) < 0) {
        this.#findEach(keys, found, i, i + 4);
        continue;
      }
      found[i] = rows[countBy(entry0, key0 & restMask, bits, mask)] ?? 0;
      found[(i + 1) | 0] = rows[countBy(entry1, key1 & restMask, bits, mask)] ?? 0;
      found[(i + 2) | 0] = rows[countBy(entry2, key2 & restMask, bits, mask)] ?? 0;
      found[(i + 3) | 0] = rows[countBy(entry3, key3 & restMask, bits, mask)] ?? 0;
    }
    return to;
  }

  /**
   * Puts the positions of an answer's instances, along the ring, into the first {@link width} elements of `into`, which
   * has {@link MAX_WIDTH}. What stands in the others then means nothing.
   */
  read(answer: number, into: Uint32Array): void {
    const mask = this.#ownerMask;
    if (this.#isWhole === 1) {
      const { width } = this;
      const bits = this.#ownerBits;
      into[0] = answer & mask;
      into[1] = (answer >>> bits) & mask;
      into[2] = (answer >>> (2 * bits)) & mask;
      for (let k = 3; k < width; k++) into[k] = (answer >>> (k * bits)) & mask;
      return;
    }
    const rows = this.#rows;
    const word = rows[answer] ?? 0;
    const hint = (word >>> this.#ownerBits) & this.#hintMask;
    into[0] = word & mask;
    if (hint === 0) {
      if (this.#others === undefined) this.#walk(answer, into);
      else this.#copy(this.#others, answer, into);
      return;
    }
    into[1] = (rows[answer + (hint & this.#secondMask)] ?? 0) & mask;
    into[2] = (rows[answer + (hint >>> this.#secondBits)] ?? 0) & mask;
  }

  /** The position of instance number `k` of an answer; `k` must be below {@link width}. */
  position(answer: number, k: number): number {
    if (this.#isWhole === 1) return (answer >>> (k * this.#ownerBits)) & this.#ownerMask;
    if (k === 0) return (this.#rows[answer] ?? 0) & this.#ownerMask;
    this.read(answer, this.#read);
    return this.#read[k] ?? 0;
  }

  #copy(others: Column, row: number, into: Uint32Array): void {
    const count = this.width - 1;
    const at = row === this.#size ? 0 : row * count;
    for (let k = 0; k < count; k++) into[k + 1] = others[at + k] ?? 0;
  }

  /** Goes on from the first instance of a row, which `into` holds. */
  #walk(row: number, into: Uint32Array): void {
    const { width } = this;
    const size = this.#size;
    const mask = this.#ownerMask;
    let count = 1;
    for (let at = row + 1; count < width; at++) {
      if (at >= size) at -= size;
      const position = (this.#rows[at] ?? 0) & mask;
      const group = this.#groupOf[position] ?? 0;
      let k = 0;
      while (k < count && this.#groupOf[into[k] ?? 0] !== group) k++;
      if (k === count) into[count++] = position;
    }
  }

  /** As {@link find} does where rows are found by rests, what stays the same taken out of the loop. */
  #findRows(keys: ArrayLike<number>, found: Int32Array): number {
    const starts = this.#starts;
    const rests = this.#rests;
    const tokens = this.#tokens;
    const bits = this.#prefixBits;
    const { length } = keys;
    for (let i = 0; i < length; i++) {
      found[i] = countByRests(starts, rests, tokens, bits, keys[i] ?? 0);
    }
    return length;
  }

  /** Goes on from `at` to the first token greater than `key`. */
  #step(from: number, key: number): number {
    const tokens = this.#tokens;
    const size = this.#size;
    let at = from;
    while (at < size && (tokens[at] ?? 0) <= key) at++;
    return at;
  }

  #halve(key: number): number {
    const prefix = key >>> this.#prefixShift;
    const first = this.#starts[prefix] ?? 0;
    return firstAbove(this.#tokens, key, first, this.#starts[prefix + 1] ?? 0);
  }
}

/**
 * How many tokens are not above a key, by the entry of its prefix, which must not be negative, and what follows that in
 * the key. Without branches: which way they would go is chance, and a processor that guesses wrong loses more time than
 * all the rest takes.
 */
function countBy(entry: number, rest: number, countBits: number, countMask: number): number {
  return ((entry & countMask) - (((entry >>> countBits) - rest - 1) >> 31)) | 0;
}

/**
 * How far the tokens reach whose rests are at most `rest`, of those from `first` up to `end`, at most {@link FEW}.
 * Without branches, as {@link countBy}. A token counts when both are negative, its rest minus what it must be below and
 * its place minus the end.
 */
function bisect(rests: Uint16Array, first: number, end: number, rest: number): number {
  // `| 0` tells the compiler that sums stay small, so that it need not check each of them.
  const below = (rest + 1) | 0;
  let at = first | 0;
  at = (at + (((((rests[(at + 8) | 0] ?? 0) - below) & (at + 7 - end)) >>> 31) << 3)) | 0;
  at = (at + (((((rests[(at + 4) | 0] ?? 0) - below) & (at + 3 - end)) >>> 31) << 2)) | 0;
  at = (at + (((((rests[(at + 2) | 0] ?? 0) - below) & (at + 1 - end)) >>> 31) << 1)) | 0;
  at = (at + ((((rests[(at + 1) | 0] ?? 0) - below) & (at - end)) >>> 31)) | 0;
  return at;
}

/** Goes back from `at` over tokens that only look as if they were not above the key. */
function back(tokens: Uint32Array, at: number, first: number, key: number): number {
  let found = at;
  while (found > first && (tokens[found - 1] ?? 0) > key) found--;
  return found;
}

/**
 * How many tokens are not above a key, by what follows their prefix: `starts` as of {@link startsOf} with so many bits,
 * `rests` as many as there are tokens between {@link RESTS_BEFORE} and {@link RESTS_BEHIND} others.
 */
function countByRests(
  starts: Column,
  rests: Uint16Array,
  tokens: Uint32Array,
  prefixBits: number,
  key: number,
): number {
  const prefix = key >>> (32 - prefixBits);
  const rest = (key << prefixBits) >>> (32 - REST_BITS);
  const first = starts[prefix] ?? 0;
  const end = starts[prefix + 1] ?? 0;
  if (end - first > FEW) return firstAbove(tokens, key, first, end);
  const at = bisect(rests, first, end, rest);
  return rests[at] === rest ? back(tokens, at, first, key) : at;
}

/** Rows have hints for as many replicas as nearly every ring has. */
export const HINTED_WIDTH = 3;
