import { maskOf } from './bits.ts';
import { firstAbove } from './token-search.ts';

/** No table is made for more replicas: their walks are rare. */
export const MAX_WIDTH = 7;
/** When more tokens share a prefix, all are searched by halving: random tokens never do. */
const CROWD = 64;
/** How many numbers a column of 16 bits can tell apart. */
const SHORT = 65_536;

/** Numbers of 16 bits where those suffice, because what a look-up costs is memory that is far away. */
export type Column = Uint16Array | Uint32Array;

/** Bits of a token that follow its prefix, by which it is told from those of the same prefix. */
export const REST_BITS = 8;
const REST_SHIFT = 32 - REST_BITS;
/** So many tokens of a prefix are searched in four steps, whatever they are. */
const FEW = 15;
/** Elements that those steps may look at behind the last token's. */
export const RESTS_BEHIND = 15;
/** Loops over all tokens run over so many at a time: what is called often is compiled sooner than what runs long. */
export const BLOCK = 1024;
/** Elements before the first token's, so that each has one before it. */
export const RESTS_BEFORE = 1;
/** There are more prefixes than tokens: most keys need no step at all. */
const BY_STEPS = 0;
/** There are several tokens to a prefix. */
const BY_RESTS = 1;
/** There are many tokens to some prefixes. */
const BY_HALVING = 2;

/**
 * How the bits of a row are used. From the top: how many rows on the third and the second replica are found, then the
 * position of the token's owner. Where there is room for the positions of all replicas, a row is those.
 */
export interface RowLayout {
  /** Bits of a token by which its row is found. */
  readonly prefixBits: number;
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
   * when there are more prefixes than tokens.
   */
  readonly rests: Uint8Array;
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
  readonly #rests: Uint8Array;
  readonly #tokens: Uint32Array;
  /** How many tokens. */
  readonly #size: number = 0;
  readonly #groupOf: Uint32Array;
  /** For each prefix, the number of the first token that has that prefix or a higher one. */
  readonly #starts: Column;
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
  readonly #way: typeof BY_STEPS | typeof BY_RESTS | typeof BY_HALVING = BY_STEPS;
  readonly #read: Uint32Array = new Uint32Array(MAX_WIDTH);

  constructor({ layout, width, rows, others, rests, tokens, groupOf }: ReplicaRows) {
    this.width = width;
    this.#rows = rows;
    this.#others = others;
    this.#rests = rests;
    this.#tokens = tokens;
    this.#size = tokens.length;
    this.#groupOf = groupOf;
    const { starts, mostTokens } = startsOf(tokens, layout.prefixBits);
    this.#starts = starts;
    this.#prefixBits = layout.prefixBits;
    this.#prefixShift = 32 - layout.prefixBits;
    this.#ownerBits = layout.ownerBits;
    this.#ownerMask = maskOf(layout.ownerBits);
    this.#isWhole = layout.isWhole ? 1 : 0;
    const isHinted = width === HINTED_WIDTH && others === undefined;
    this.#hintMask = isHinted ? maskOf(layout.secondBits + layout.thirdBits) : 0;
    this.#secondBits = layout.secondBits;
    this.#secondMask = maskOf(layout.secondBits);
    if (mostTokens > CROWD) this.#way = BY_HALVING;
    else this.#way = rests.length === 0 ? BY_STEPS : BY_RESTS;
  }

  /** Bytes that the table holds besides the tokens. */
  get byteLength(): number {
    const others = this.#others?.byteLength ?? 0;
    return this.#rows.byteLength + others + this.#rests.byteLength + this.#starts.byteLength;
  }

  /** What tells the instances of a key, 0 or more: what its row holds if those are all replicas, else which row it is. */
  find(key: number): number {
    const row = this.rowOf(key);
    return this.#isWhole === 1 ? (this.#rows[row] ?? 0) : row;
  }

  /** The row of the first token greater than `key`; behind the last one, where the ring begins again, is one more. */
  rowOf(key: number): number {
    if (this.#way === BY_RESTS) return this.#bisect(key);
    if (this.#way === BY_HALVING) return this.#halve(key);
    const tokens = this.#tokens;
    const size = this.#size;
    let at = this.#starts[key >>> this.#prefixShift] ?? 0;
    while (at < size && (tokens[at] ?? 0) <= key) at++;
    return at;
  }

  /** {@link find} for each of `keys`, into `found`. */
  findAll(keys: ArrayLike<number>, found: Int32Array): void {
    const { length } = keys;
    if (this.#way !== BY_STEPS || this.#isWhole === 0) {
      for (let i = 0; i < length; i++) found[i] = this.find(keys[i] ?? 0);
      return;
    }
    // As find does, what stays the same taken out of the loop.
    const rows = this.#rows;
    const tokens = this.#tokens;
    const starts = this.#starts;
    const size = this.#size;
    const shift = this.#prefixShift;
    for (let i = 0; i < length; i++) {
      const key = keys[i] ?? 0;
      let at = starts[key >>> shift] ?? 0;
      while (at < size && (tokens[at] ?? 0) <= key) at++;
      found[i] = rows[at] ?? 0;
    }
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

  #bisect(key: number): number {
    const prefix = key >>> this.#prefixShift;
    const first = this.#starts[prefix] ?? 0;
    const end = this.#starts[prefix + 1] ?? 0;
    if (end - first > FEW) return firstAbove(this.#tokens, key, first, end);
    const rests = this.#rests;
    const rest = (key << this.#prefixBits) >>> REST_SHIFT;
    const at = bisect(rests, first, end, rest);
    return rests[at] === rest ? back(this.#tokens, at, first, key) : at;
  }

  #halve(key: number): number {
    const prefix = key >>> this.#prefixShift;
    const first = this.#starts[prefix] ?? 0;
    return firstAbove(this.#tokens, key, first, this.#starts[prefix + 1] ?? 0);
  }
}

/**
 * How far the tokens reach whose rests are at most `rest`, of those from `first` up to `end`, at most {@link FEW}.
 * Without branches: which way they would go is chance, and a processor that guesses wrong loses more time than all the
 * steps take. A token counts when both are negative, its rest minus what it must be below and its place minus the end.
 */
function bisect(rests: Uint8Array, first: number, end: number, rest: number): number {
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

/** Rows have hints for as many replicas as nearly every ring has. */
export const HINTED_WIDTH = 3;

/**
 * For each prefix of so many bits, the first token that has it or a higher one; then the end. And how many tokens a
 * prefix has at most.
 */
function startsOf(
  tokens: Uint32Array,
  prefixBits: number,
): { readonly starts: Column; readonly mostTokens: number } {
  const { length } = tokens;
  const prefixes = 2 ** prefixBits;
  const starts = length < SHORT ? new Uint16Array(prefixes + 1) : new Uint32Array(prefixes + 1);
  let mostTokens = 0;
  for (let from = 0; from < length; from += BLOCK) {
    const block = { from, to: Math.min(from + BLOCK, length) };
    mostTokens = Math.max(mostTokens, fillStarts(tokens, block, 32 - prefixBits, starts));
  }
  const last = tokens[length - 1];
  starts.fill(length, last === undefined ? 0 : (last >>> (32 - prefixBits)) + 1);
  return { starts, mostTokens };
}

/** Fills what the tokens of a block bring, and returns how many a prefix has at most by then. */
function fillStarts(
  tokens: Uint32Array,
  { from, to }: { readonly from: number; readonly to: number },
  shift: number,
  starts: Column,
): number {
  let next = from === 0 ? 0 : ((tokens[from - 1] ?? 0) >>> shift) + 1;
  let mostTokens = 0;
  for (let i = from; i < to; i++) {
    const prefix = (tokens[i] ?? 0) >>> shift;
    while (next <= prefix) starts[next++] = i;
    mostTokens = Math.max(mostTokens, i + 1 - (starts[prefix] ?? 0));
  }
  return mostTokens;
}
