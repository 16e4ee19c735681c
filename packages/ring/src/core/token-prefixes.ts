import { maskOf } from './bits.ts';
import { firstAbove } from './token-search.ts';

/** Numbers of 16 bits where those suffice, because what a look-up costs is memory that is far away. */
export type Column = Uint16Array | Uint32Array;

/** How many numbers a column of 16 bits can tell apart. */
const SHORT = 65_536;
/** Loops over all tokens run over so many at a time: what is called often is compiled sooner than what runs long. */
export const BLOCK = 1024;

/** How many more bits a prefix has than the count in its entry, so that there are at least four prefixes for each token. */
export const ENTRY_PREFIX_BITS = 2;
/** Stands above the count in the entry of a prefix that no token has, and is more than can follow a prefix. */
const NONE = 1 << (32 - ENTRY_PREFIX_BITS);
/** Set in the entry of a prefix that several tokens have. */
const SEVERAL = 1 << 31;

/** Bits of a token that follow its prefix, by which it is told from those of the same prefix: nearly always enough. */
export const REST_BITS = 16;
/** So many tokens of a prefix are searched in four steps, whatever they are. */
export const FEW = 15;
/** Elements that those steps may look at behind the last token's. */
export const RESTS_BEHIND = 15;
/** Elements before the first token's, so that each has one before it. */
export const RESTS_BEFORE = 1;

/** A range of ascending tokens. */
interface Block {
  readonly from: number;
  readonly to: number;
}

/** Goes through all tokens, a block at a time, and returns the largest of the answers. */
function largestOf(tokens: Uint32Array, visit: (block: Block) => number): number {
  let largest = 0;
  for (let from = 0; from < tokens.length; from += BLOCK) {
    largest = Math.max(largest, visit({ from, to: Math.min(from + BLOCK, tokens.length) }));
  }
  return largest;
}

/**
 * For each prefix of so many bits, the first token that has it or a higher one; then the end. And how many tokens a
 * prefix has at most.
 */
export function startsOf(
  tokens: Uint32Array,
  prefixBits: number,
): { readonly starts: Column; readonly mostTokens: number } {
  const { length } = tokens;
  const shift = 32 - prefixBits;
  const prefixes = 2 ** prefixBits;
  const starts = length < SHORT ? new Uint16Array(prefixes + 1) : new Uint32Array(prefixes + 1);
  const mostTokens = largestOf(tokens, (block) => fillStarts(tokens, block, shift, starts));
  const last = tokens[length - 1];
  starts.fill(length, last === undefined ? 0 : (last >>> shift) + 1);
  return { starts, mostTokens };
}

/** Fills what the tokens of a block bring, and returns how many a prefix has at most by then. */
function fillStarts(
  tokens: Uint32Array,
  { from, to }: Block,
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

/**
 * For each prefix all that most look-ups need, in one number. The lowest bits count the tokens below the prefix. The
 * bits above them are what follows the prefix in its token, or more than can follow where it has none. Where it has
 * several the number is negative, and only the count counts. The prefix must have {@link ENTRY_PREFIX_BITS} more bits
 * than the number of all tokens.
 */
export function entriesOf(
  tokens: Uint32Array,
  prefixBits: number,
): { readonly entries: Int32Array; readonly mostTokens: number } {
  const { length } = tokens;
  const shift = 32 - prefixBits;
  const countBits = prefixBits - ENTRY_PREFIX_BITS;
  const entries = new Int32Array(2 ** prefixBits);
  const mostTokens = largestOf(tokens, (block) => fillEntries(tokens, block, countBits, entries));
  const last = tokens[length - 1];
  entries.fill(NONE | length, last === undefined ? 0 : (last >>> shift) + 1);
  return { entries, mostTokens };
}

function fillEntries(
  tokens: Uint32Array,
  { from, to }: Block,
  countBits: number,
  entries: Int32Array,
): number {
  const shift = 32 - countBits - ENTRY_PREFIX_BITS;
  const restMask = maskOf(shift);
  const countMask = maskOf(countBits);
  let next = from === 0 ? 0 : ((tokens[from - 1] ?? 0) >>> shift) + 1;
  let mostTokens = 0;
  for (let i = from; i < to; i++) {
    const token = tokens[i] ?? 0;
    const prefix = token >>> shift;
    while (next < prefix) entries[next++] = NONE | i;
    if (next === prefix) entries[next++] = ((token & restMask) << countBits) | i;
    else entries[prefix] = (entries[prefix] ?? 0) | SEVERAL;
    mostTokens = Math.max(mostTokens, i + 1 - ((entries[prefix] ?? 0) & countMask));
  }
  return mostTokens;
}

/**
 * How many tokens are not above a key, by the entry of its prefix, which must not be negative, and what follows that in
 * the key. Without branches: which way they would go is chance, and a processor that guesses wrong loses more time than
 * all the rest takes.
 */
export function countBy(entry: number, rest: number, countBits: number, countMask: number): number {
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
export function countByRests(
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
