import { bitsFor, maskOf } from './bits.ts';

/** Tokens and, in the same order, the position of each token's owner. */
export interface TokenColumns {
  readonly tokens: Uint32Array;
  readonly owners: Uint32Array;
}

/** Parts by the first bits, so few that each keeps its own line of the nearest cache while they are filled. */
const PART_BITS = 8;
const PARTS = 1 << PART_BITS;
/** Within a part, groups by so many further bits at most, so that a part and its groups stay near as well. */
const MAX_GROUP_BITS = 12;
/** What is left in a group is put in order one by one; random tokens never leave more. */
const CROWD = 64;
/** Parts with more tokens are not looked through for equal ones. */
const MAX_HASHED = 16_384;
/** Spreads tokens over slots: 2^32 divided by the golden ratio. */
const HASH = 0x9e3779b1;
const RADIX_BITS = 11;
const RADIX = 1 << RADIX_BITS;

/** The tokens of all owners by their first bits: the first half of putting them in order. */
export interface TokenParts {
  readonly columns: TokenColumns;
  /** Where each part begins; then the end. */
  readonly starts: Uint32Array;
}

/**
 * Puts the tokens of all owners in order; equal ones stay in the order of their owners. Linear in the number of
 * tokens, most of which are expected to be random numbers.
 * @param runs the tokens of each owner, by position
 */
export function sortRuns(runs: readonly Uint32Array[]): TokenColumns {
  return finishSort(partRuns(runs));
}

/** The second half, after {@link partRuns}. */
export function finishSort({ columns, starts }: TokenParts): TokenColumns {
  return sortParts(columns, starts) ?? sortByDigits(columns);
}

/** The first half: the tokens of all owners by their first bits. */
export function partRuns(runs: readonly Uint32Array[]): TokenParts {
  const starts = new Uint32Array(PARTS + 1);
  let total = 0;
  for (const run of runs) {
    total += run.length;
    countParts(run, starts);
  }
  addUp(starts);
  const next = starts.slice();
  const columns = { tokens: new Uint32Array(total), owners: new Uint32Array(total) };
  for (const [owner, run] of runs.entries()) partRun(run, owner, next, columns);
  return { columns, starts };
}

/** Adds up, one further on, how many tokens of a run each part gets. */
function countParts(run: Uint32Array, counts: Uint32Array): void {
  const { length } = run;
  for (let i = 0; i < length; i++) count(counts, ((run[i] ?? 0) >>> (32 - PART_BITS)) + 1);
}

/** Puts the tokens of a run where the next of each part belongs. */
function partRun(run: Uint32Array, owner: number, next: Uint32Array, into: TokenColumns): void {
  const { tokens, owners } = into;
  const { length } = run;
  for (let i = 0; i < length; i++) {
    const token = run[i] ?? 0;
    const to = count(next, token >>> (32 - PART_BITS));
    tokens[to] = token;
    owners[to] = owner;
  }
}

/**
 * Whether all tokens differ, found out in a fraction of the time that sorting takes; `undefined`: they do not, or are
 * so much alike that this way is no faster.
 */
export function areDistinct({ columns, starts }: TokenParts): true | undefined {
  let largest = 0;
  for (let p = 0; p < PARTS; p++)
    largest = Math.max(largest, (starts[p + 1] ?? 0) - (starts[p] ?? 0));
  if (largest > MAX_HASHED) return undefined;
  const seen = new SeenTokens(largest);
  for (let p = 0; p < PARTS; p++) {
    if (!seen.areDistinct(columns.tokens, starts[p] ?? 0, starts[p + 1] ?? 0)) return undefined;
  }
  return true;
}

/** The tokens of one part, by hash. */
class SeenTokens {
  readonly #shift: number = 0;
  readonly #mask: number = 0;
  readonly #tokens: Uint32Array;
  /** The part that a slot was filled in last. */
  readonly #parts: Uint16Array;
  #part = 0;

  /** @param most tokens in a part. */
  constructor(most: number) {
    // Half full at most, so that a token is mostly alone in its slot.
    const bits = Math.max(1, bitsFor(2 * most));
    this.#shift = 32 - bits;
    this.#mask = maskOf(bits);
    this.#tokens = new Uint32Array(1 << bits);
    this.#parts = new Uint16Array(1 << bits);
  }

  /** Whether the tokens of one more part differ; false also when that takes too long to find out. */
  areDistinct(tokens: Uint32Array, start: number, end: number): boolean {
    const seen = this.#tokens;
    const parts = this.#parts;
    const shift = this.#shift;
    const mask = this.#mask;
    this.#part++;
    const part = this.#part;
    for (let i = start; i < end; i++) {
      const token = tokens[i] ?? 0;
      let slot = Math.imul(token, HASH) >>> shift;
      for (let probes = 0; parts[slot] === part; probes++) {
        if (seen[slot] === token || probes === CROWD) return false;
        slot = (slot + 1) & mask;
      }
      seen[slot] = token;
      parts[slot] = part;
    }
    return true;
  }
}

/** Sorts each part; `undefined`: too many tokens are alike in their first bits. */
function sortParts(from: TokenColumns, starts: Uint32Array): TokenColumns | undefined {
  const total = from.tokens.length;
  const to = { tokens: new Uint32Array(total), owners: new Uint32Array(total) };
  const bits = Math.min(MAX_GROUP_BITS, Math.max(1, Math.ceil(Math.log2(total / PARTS))));
  const next = new Uint32Array((1 << bits) + 1);
  for (let p = 0; p < PARTS; p++) {
    const part = { start: starts[p] ?? 0, end: starts[p + 1] ?? 0 };
    if (!sortPart(from, part, to, next)) return undefined;
  }
  return to;
}

/** Sorts one part by the bits that `next` has a place for, then what they leave; false: too many are alike in those. */
function sortPart(
  from: TokenColumns,
  { start, end }: { readonly start: number; readonly end: number },
  to: TokenColumns,
  next: Uint32Array,
): boolean {
  const { tokens, owners } = from;
  const toTokens = to.tokens;
  const toOwners = to.owners;
  const mask = next.length - 2;
  const shift = Math.clz32(mask) - PART_BITS;
  next.fill(0);
  for (let i = start; i < end; i++) {
    const inGroup = count(next, (((tokens[i] ?? 0) >>> shift) & mask) + 1);
    if (inGroup === CROWD) return false;
  }
  next[0] = start;
  addUp(next);
  for (let i = start; i < end; i++) {
    const token = tokens[i] ?? 0;
    const at = count(next, (token >>> shift) & mask);
    toTokens[at] = token;
    toOwners[at] = owners[i] ?? 0;
  }
  insertionSort(to, start, end);
  return true;
}

/** For what is nearly in order already. */
function insertionSort({ tokens, owners }: TokenColumns, start: number, end: number): void {
  for (let i = start + 1; i < end; i++) {
    const token = tokens[i] ?? 0;
    if ((tokens[i - 1] ?? 0) <= token) continue;
    const owner = owners[i] ?? 0;
    let at = i;
    for (; at > start && (tokens[at - 1] ?? 0) > token; at--) {
      tokens[at] = tokens[at - 1] ?? 0;
      owners[at] = owners[at - 1] ?? 0;
    }
    tokens[at] = token;
    owners[at] = owner;
  }
}

/** Whatever the tokens are: least significant digit first. */
function sortByDigits(columns: TokenColumns): TokenColumns {
  let sorted = columns;
  for (let shift = 0; shift < 32; shift += RADIX_BITS) sorted = sortByDigit(sorted, shift);
  return sorted;
}

function sortByDigit(from: TokenColumns, shift: number): TokenColumns {
  const { length } = from.tokens;
  const tokens = new Uint32Array(length);
  const owners = new Uint32Array(length);
  const next = new Uint32Array(RADIX + 1);
  const digit = (i: number): number => ((from.tokens[i] ?? 0) >>> shift) & (RADIX - 1);
  for (let i = 0; i < length; i++) count(next, digit(i) + 1);
  addUp(next);
  for (let i = 0; i < length; i++) {
    const to = count(next, digit(i));
    tokens[to] = from.tokens[i] ?? 0;
    owners[to] = from.owners[i] ?? 0;
  }
  return { tokens, owners };
}

/** Adds one to a count and returns what it was. */
function count(counts: Uint32Array, at: number): number {
  const before = counts[at] ?? 0;
  counts[at] = before + 1;
  return before;
}

/** Makes each count the sum of all up to it. */
function addUp(counts: Uint32Array): void {
  const { length } = counts;
  for (let i = 1; i < length; i++) counts[i] = (counts[i] ?? 0) + (counts[i - 1] ?? 0);
}
