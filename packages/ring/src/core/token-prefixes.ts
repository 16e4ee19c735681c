import { maskOf } from './bits.ts';

/** Loops over all tokens run over so many at a time: what is called often is compiled sooner than what runs long. */
export const BLOCK = 1024;

/** How many more bits a prefix has than the count in its entry, so that there are at least four prefixes for each token. */
export const ENTRY_PREFIX_BITS = 2;
/** Stands above the count in the entry of a prefix that no token has, and is more than can follow a prefix. */
const NONE = 1 << (32 - ENTRY_PREFIX_BITS);
/** Set in the entry of a prefix that several tokens have. */
const SEVERAL = 1 << 31;

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
): { readonly starts: Int32Array; readonly mostTokens: number } {
  const { length } = tokens;
  const shift = 32 - prefixBits;
  const starts = new Int32Array(2 ** prefixBits + 1);
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
  starts: Int32Array,
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
