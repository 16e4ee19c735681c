import { assert } from '@ml/runtime';
import { maskOf } from './bits.ts';
import { ENTRY_PREFIX_BITS, entriesOf, startsOf } from './token-prefixes.ts';
import { firstAbove } from './token-search.ts';

/** No table is made for more replicas: their walks are rare. */
export const MAX_WIDTH = 7;
/** Rows have hints for as many replicas as nearly every ring has. */
export const HINTED_WIDTH = 3;
/** When more tokens share a prefix, all are searched by halving: random tokens never do. */
const CROWD = 64;
/** What a row says of replicas, if it also says where it begins. */
export const ROW_BITS = 16;
/** What it then says of that: so many bits of its token behind the prefix, nearly always enough to tell rows apart. */
const BEGIN_BITS = 15;
const BEGIN_MASK = maskOf(BEGIN_BITS) << ROW_BITS;
const NEXT_BEGIN = 1 << ROW_BITS;
/** So many rows of a prefix are searched in four steps, whatever they are. */
const FEW = 15;
/** Rows that those steps may look at behind the last. */
export const ROWS_BEHIND: number = FEW + 1;
/** Keys of a batch are looked up so many at a time: what is called often is compiled sooner than what runs long. */
const CHUNK = 256;
/** There are several prefixes for each token, and an entry for each prefix. */
const BY_ENTRIES = 0;
/** There are several tokens to a prefix, and rows say where they begin. */
const BY_BEGINS = 1;
/** There are many tokens to some prefixes, or rows have no room for where they begin. */
const BY_HALVING = 2;

const NONE = new Int32Array(0);

/**
 * How the bits of a row are used. From the bottom: the position of the token's owner, then how many rows further the
 * second and the third replica are found; where there is room for the positions of all replicas, these. In large rings
 * the bits from {@link ROW_BITS} on say where the row begins.
 */
export interface RowLayout {
  /** Bits of a token by which its row is found. */
  readonly prefixBits: number;
  /** Whether these make several prefixes for each token, {@link ENTRY_PREFIX_BITS} more than number the tokens. */
  readonly isSparse: boolean;
  readonly ownerBits: number;
  /** Whether rows hold the positions of all replicas, the first one's in the lowest bits. */
  readonly isWhole: boolean;
  readonly secondBits: number;
  readonly thirdBits: number;
}

/** What a table is made of. */
export interface ReplicaRows {
  readonly layout: RowLayout;
  /** How many instances hold each key; at most {@link MAX_WIDTH}, and not more than there are groups with tokens. */
  readonly width: number;
  /**
   * A row for each token, which answers keys from the token before up to it, then the first again and at least
   * {@link ROWS_BEHIND} more, so many that no hint leads behind the end.
   */
  readonly rows: Int32Array;
  /** The second and further instances of each row, where walking to them would take long; hints are not looked at then. */
  readonly others: Uint32Array | undefined;
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
 * In small rings a row is a word that holds all replicas. In others it is half a word, and the other half is what tells
 * it from its neighbours: what finds the row of a key then has read it. Where the second and third replica are further
 * away than such a row can say, which is rare in most rings, the walk is made. Rings in which it is not rare, or walks
 * are long, have a second table of those replicas.
 *
 * Numbers stand in the fields from the outset, and no truth values: the compiler then takes the former for the small
 * integers they always are, where it would look at each of them first, and the latter cost more than a comparison.
 */
export class ReplicaTable {
  /** How many instances hold each key: the replicas, or all groups if there are fewer. */
  readonly width: number = 0;
  /** Where {@link wholeBits} are 0, what {@link find} tells is an index of it. */
  readonly rows: Int32Array;
  /** Bits of a row that are the position of its first instance. */
  readonly ownerMask: number = 0;
  /** For each prefix, the number of the first token that has that prefix or a higher one; empty if it has an entry. */
  readonly #starts: Int32Array = NONE;
  readonly #entries: Int32Array = NONE;
  /** How the row of a key is found. */
  readonly #way: typeof BY_ENTRIES | typeof BY_BEGINS | typeof BY_HALVING = BY_ENTRIES;
  readonly #prefixBits: number = 0;
  readonly #prefixShift: number = 0;
  /** Of what follows a prefix. */
  readonly #restMask: number = 0;
  readonly #countBits: number = 0;
  readonly #countMask: number = 0;
  /** Whether rows hold all replicas. */
  readonly #isWhole: 0 | 1 = 0;
  readonly #ownerBits: number = 0;
  readonly #hintMask: number = 0;
  readonly #secondBits: number = 0;
  readonly #secondMask: number = 0;
  readonly #tokens: Uint32Array;
  /** How many tokens. */
  readonly #size: number = 0;
  readonly #others: Uint32Array | undefined;
  readonly #groupOf: Uint32Array;
  readonly #read: Uint32Array = new Uint32Array(MAX_WIDTH);

  constructor({ layout, width, rows, others, tokens, groupOf }: ReplicaRows) {
    this.width = width;
    this.rows = rows;
    this.#others = others;
    this.#tokens = tokens;
    this.#size = tokens.length;
    this.#groupOf = groupOf;
    const { prefixBits, ownerBits } = layout;
    this.#prefixBits = prefixBits;
    this.#prefixShift = 32 - prefixBits;
    this.#restMask = maskOf(this.#prefixShift);
    this.#ownerBits = ownerBits;
    this.ownerMask = maskOf(ownerBits);
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
      this.#way = saysBegins(layout) && mostTokens <= CROWD ? BY_BEGINS : BY_HALVING;
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
    return this.rows.byteLength + others + this.#entries.byteLength + this.#starts.byteLength;
  }

  /** How many bits each position has in what {@link find} tells, the first one in the lowest; 0 if it tells a row. */
  get wholeBits(): number {
    return this.#isWhole === 1 ? this.#ownerBits : 0;
  }

  /** What tells the instances of a key, 0 or more: what its row holds if those are all replicas, else which row it is. */
  find(key: number): number {
    const row = this.rowOf(key);
    return this.#isWhole === 1 ? (this.rows[row] ?? 0) : row;
  }

  /** The row of the first token greater than `key`; behind the last one, where the ring begins again, is one more. */
  rowOf(key: number): number {
    if (this.#way === BY_BEGINS) {
      return rowByBegins(this.rows, this.#starts, this.#tokens, this.#prefixBits, key);
    }
    if (this.#way === BY_HALVING) return this.#halve(key);
    const entry = this.#entries[key >>> this.#prefixShift] ?? 0;
    if (entry < 0) return this.#step(entry & this.#countMask, key);
    return rowByEntry(entry, key & this.#restMask, this.#countBits, this.#countMask);
  }

  /**
   * Puts the positions of an answer's instances, along the ring, into the first {@link width} elements of `into`, which
   * has {@link MAX_WIDTH}. What stands in the others then means nothing.
   */
  read(answer: number, into: Uint32Array): void {
    const mask = this.ownerMask;
    if (this.#isWhole === 1) {
      const { width } = this;
      const bits = this.#ownerBits;
      into[0] = answer & mask;
      into[1] = (answer >>> bits) & mask;
      into[2] = (answer >>> (2 * bits)) & mask;
      for (let k = 3; k < width; k++) into[k] = (answer >>> (k * bits)) & mask;
      return;
    }
    const rows = this.rows;
    const row = rows[answer] ?? 0;
    const hint = (row >>> this.#ownerBits) & this.#hintMask;
    into[0] = row & mask;
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
    if (this.#isWhole === 1) return (answer >>> (k * this.#ownerBits)) & this.ownerMask;
    this.read(answer, this.#read);
    return this.#read[k] ?? 0;
  }

  /** {@link find} for each of `keys`, into `found`. */
  findAll(keys: ArrayLike<number>, found: Int32Array): void {
    for (let from = 0; from < keys.length; from += CHUNK) {
      const to = Math.min(from + CHUNK, keys.length);
      const fours = to & ~3;
      if (this.#way === BY_ENTRIES && this.#isWhole === 1)
        this.#findWhole(keys, found, from, fours);
      else if (this.#way === BY_BEGINS && this.#isWhole === 0)
        this.#findRows(keys, found, from, fours);
      else this.#findEach(keys, found, from, fours);
      this.#findEach(keys, found, fours, to);
    }
  }

  #findEach(keys: ArrayLike<number>, found: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i++) found[i] = this.find(keys[i] ?? 0);
  }

  /**
   * What the rows of keys hold, for four keys at a time: what the processor has to look up of an array before it gets to
   * the elements then serves all four.
   */
  #findWhole(keys: ArrayLike<number>, found: Int32Array, from: number, to: number): void {
    const rows = this.rows;
    const entries = this.#entries;
    const shift = this.#prefixShift;
    const restMask = this.#restMask;
    const bits = this.#countBits;
    const mask = this.#countMask;
    for (let i = from; i < to; i = (i + 4) | 0) {
      const key0 = keys[i] ?? 0;
      const key1 = keys[(i + 1) | 0] ?? 0;
      const key2 = keys[(i + 2) | 0] ?? 0;
      const key3 = keys[(i + 3) | 0] ?? 0;
      const entry0 = entries[key0 >>> shift] ?? 0;
      const entry1 = entries[key1 >>> shift] ?? 0;
      const entry2 = entries[key2 >>> shift] ?? 0;
      const entry3 = entries[key3 >>> shift] ?? 0;
      found[i] = rows[rowByEntry(entry0, key0 & restMask, bits, mask)] ?? 0;
      found[(i + 1) | 0] = rows[rowByEntry(entry1, key1 & restMask, bits, mask)] ?? 0;
      found[(i + 2) | 0] = rows[rowByEntry(entry2, key2 & restMask, bits, mask)] ?? 0;
      found[(i + 3) | 0] = rows[rowByEntry(entry3, key3 & restMask, bits, mask)] ?? 0;
      if ((entry0 | entry1 | entry2 | entry3) < 0) this.#findEach(keys, found, i, i + 4);
    }
  }

  /** The rows of keys, as {@link #findWhole} finds what they hold. */
  #findRows(keys: ArrayLike<number>, found: Int32Array, from: number, to: number): void {
    const rows = this.rows;
    const starts = this.#starts;
    const bits = this.#prefixBits;
    const shift = this.#prefixShift;
    for (let i = from; i < to; i = (i + 4) | 0) {
      const key0 = keys[i] ?? 0;
      const key1 = keys[(i + 1) | 0] ?? 0;
      const key2 = keys[(i + 2) | 0] ?? 0;
      const key3 = keys[(i + 3) | 0] ?? 0;
      const first0 = starts[key0 >>> shift] ?? 0;
      const first1 = starts[key1 >>> shift] ?? 0;
      const first2 = starts[key2 >>> shift] ?? 0;
      const first3 = starts[key3 >>> shift] ?? 0;
      const end0 = starts[((key0 >>> shift) + 1) | 0] ?? 0;
      const end1 = starts[((key1 >>> shift) + 1) | 0] ?? 0;
      const end2 = starts[((key2 >>> shift) + 1) | 0] ?? 0;
      const end3 = starts[((key3 >>> shift) + 1) | 0] ?? 0;
      const begin0 = beginOf(key0, bits);
      const begin1 = beginOf(key1, bits);
      const begin2 = beginOf(key2, bits);
      const begin3 = beginOf(key3, bits);
      const row0 = bisect(rows, first0, end0, begin0);
      const row1 = bisect(rows, first1, end1, begin1);
      const row2 = bisect(rows, first2, end2, begin2);
      const row3 = bisect(rows, first3, end3, begin3);
      found[i] = row0;
      found[(i + 1) | 0] = row1;
      found[(i + 2) | 0] = row2;
      found[(i + 3) | 0] = row3;
      const room0 = FEW + first0 - end0;
      const room1 = FEW + first1 - end1;
      const room2 = FEW + first2 - end2;
      const room3 = FEW + first3 - end3;
      if (
        (room0 | room1 | room2 | room3) < 0 ||
        ((rows[row0] ?? 0) & BEGIN_MASK) === begin0 ||
        ((rows[row1] ?? 0) & BEGIN_MASK) === begin1 ||
        ((rows[row2] ?? 0) & BEGIN_MASK) === begin2 ||
        ((rows[row3] ?? 0) & BEGIN_MASK) === begin3
      ) {
        this.#findEach(keys, found, i, i + 4);
      }
    }
  }

  #copy(others: Uint32Array, row: number, into: Uint32Array): void {
    const count = this.width - 1;
    const at = row === this.#size ? 0 : row * count;
    for (let k = 0; k < count; k++) into[k + 1] = others[at + k] ?? 0;
  }

  /** Goes on from the first instance of a row, which `into` holds. */
  #walk(row: number, into: Uint32Array): void {
    const { width } = this;
    const size = this.#size;
    const mask = this.ownerMask;
    let count = 1;
    for (let at = row + 1; count < width; at++) {
      if (at >= size) at -= size;
      const position = (this.rows[at] ?? 0) & mask;
      const group = this.#groupOf[position] ?? 0;
      let k = 0;
      while (k < count && this.#groupOf[into[k] ?? 0] !== group) k++;
      if (k === count) into[count++] = position;
    }
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

/** Whether rows of this kind say where they begin. */
export function saysBegins({ isSparse, ownerBits }: RowLayout): boolean {
  return !isSparse && ownerBits <= ROW_BITS;
}

/** What a row that begins at a token, or a key, says of that in its bits from {@link ROW_BITS} on. */
export function beginOf(token: number, prefixBits: number): number {
  return ((token << prefixBits) >>> (32 - BEGIN_BITS)) << ROW_BITS;
}

/**
 * The row of a key, by the entry of its prefix, which must not be negative, and what follows that in the key. Without
 * branches: which way they would go is chance, and a processor that guesses wrong loses more time than all the rest
 * takes.
 */
function rowByEntry(entry: number, rest: number, countBits: number, countMask: number): number {
  return ((entry & countMask) - (((entry >>> countBits) - rest - 1) >> 31)) | 0;
}

/**
 * The last row that does not begin above `begin`, of those from `first` up to and with `end`, at most {@link FEW} more.
 * Without branches, as {@link rowByEntry}. A row counts when both are negative, where it begins minus what it must be
 * below and its place minus the end.
 */
function bisect(rows: Int32Array, first: number, end: number, begin: number): number {
  // `| 0` tells the compiler that sums stay small, so that it need not check each of them.
  const below = (begin + NEXT_BEGIN) | 0;
  let at = first | 0;
  at = (at + (((((rows[(at + 8) | 0] ?? 0) - below) & (at + 7 - end)) >>> 31) << 3)) | 0;
  at = (at + (((((rows[(at + 4) | 0] ?? 0) - below) & (at + 3 - end)) >>> 31) << 2)) | 0;
  at = (at + (((((rows[(at + 2) | 0] ?? 0) - below) & (at + 1 - end)) >>> 31) << 1)) | 0;
  at = (at + ((((rows[(at + 1) | 0] ?? 0) - below) & (at - end)) >>> 31)) | 0;
  return at;
}

/** Goes back from `at` over tokens that only look as if they were not above the key. */
function back(tokens: Uint32Array, at: number, first: number, key: number): number {
  let found = at;
  while (found > first && (tokens[found - 1] ?? 0) > key) found--;
  return found;
}

/** The row of a key, by where rows begin; `starts` as of {@link startsOf} with so many bits. */
function rowByBegins(
  rows: Int32Array,
  starts: Int32Array,
  tokens: Uint32Array,
  prefixBits: number,
  key: number,
): number {
  const prefix = key >>> (32 - prefixBits);
  const first = starts[prefix] ?? 0;
  const end = starts[prefix + 1] ?? 0;
  if (end - first > FEW) return firstAbove(tokens, key, first, end);
  const begin = beginOf(key, prefixBits);
  const row = bisect(rows, first, end, begin);
  return ((rows[row] ?? 0) & BEGIN_MASK) === begin ? back(tokens, row, first, key) : row;
}
