import { areDistinct, finishSort, partRuns, sortRuns, type TokenColumns } from './token-sort.ts';
import type { Tokens } from './tokens.ts';

/**
 * All tokens of a ring in one ascending column, each with the position of its owner in the ring's id order. A token
 * that several instances hold stands there once for each, smaller ids first.
 */
export interface TokenIndex {
  readonly tokens: Uint32Array;
  readonly owners: Uint32Array;
  /** How many entries hold the same token as the entry before them. */
  readonly duplicates: number;
}

/** Builds the index of `tokens`, given by owner position: a radix sort, linear in the number of tokens. */
export function buildTokenIndex(tokens: readonly Tokens[]): TokenIndex {
  return indexOf(sortRuns(tokens.map((own) => own.values)));
}

/** Indexes of fewer tokens are made at once. */
const MANY_TOKENS = 16_384;

/** An index that is half made: tells whether tokens are shared, so that the other half can wait for a turn of its own. */
export interface HalfIndex {
  /** Whether any token is held by several. */
  readonly sharesTokens: boolean;
  /** Makes the other half. */
  finish(): TokenIndex;
}

/** Begins the index of `tokens`, if it is one that takes long. */
export function beginTokenIndex(tokens: readonly Tokens[]): HalfIndex {
  const total = tokens.reduce((sum, own) => sum + own.size, 0);
  const parts = total < MANY_TOKENS ? undefined : partRuns(tokens.map((own) => own.values));
  if (parts !== undefined && areDistinct(parts)) {
    return { sharesTokens: false, finish: () => ({ ...finishSort(parts), duplicates: 0 }) };
  }
  const index = parts === undefined ? buildTokenIndex(tokens) : indexOf(finishSort(parts));
  return { sharesTokens: index.duplicates > 0, finish: () => index };
}

/** What changes between two indexes. */
export interface TokenIndexChange {
  /** New position of each old owner; -1: its tokens are gone or come anew. Grows with the old position. */
  readonly positions: Int32Array;
  /** Positions whose tokens come anew. */
  readonly fresh: readonly number[];
  /** Tokens by new position. */
  readonly tokens: readonly Tokens[];
}

/** The index after a change: one pass over the old one, which holds most tokens already in order. */
export function changeTokenIndex(old: TokenIndex, change: TokenIndexChange): TokenIndex {
  const added = buildFresh(change);
  const { positions } = change;
  const total = old.tokens.length + added.tokens.length;
  const columns = { tokens: new Uint32Array(total), owners: new Uint32Array(total) };
  const end = mergeColumns(old, added, { positions, into: columns });
  return indexOf({
    tokens: columns.tokens.subarray(0, end),
    owners: columns.owners.subarray(0, end),
  });
}

/** Writes the tokens of old owners, under their new positions, and those that are added, in order; returns the end. */
function mergeColumns(
  old: TokenColumns,
  added: TokenColumns,
  { positions, into }: { readonly positions: Int32Array; readonly into: TokenColumns },
): number {
  const { tokens, owners } = into;
  const oldTokens = old.tokens;
  const oldOwners = old.owners;
  const newTokens = added.tokens;
  const newOwners = added.owners;
  const oldSize = oldTokens.length;
  const newSize = newTokens.length;
  let to = 0;
  let next = 0;
  for (let i = 0; i < oldSize; i++) {
    const owner = positions[oldOwners[i] ?? 0] ?? -1;
    if (owner < 0) continue;
    const token = oldTokens[i] ?? 0;
    while (next < newSize) {
      const newToken = newTokens[next] ?? 0;
      if (newToken > token || (newToken === token && (newOwners[next] ?? 0) > owner)) break;
      tokens[to] = newToken;
      owners[to++] = newOwners[next++] ?? 0;
    }
    tokens[to] = token;
    owners[to++] = owner;
  }
  tokens.set(newTokens.subarray(next), to);
  owners.set(newOwners.subarray(next), to);
  return to + newSize - next;
}

/**
 * Who loses which tokens when every token goes to one holder: one that is not leaving beats one that is, otherwise
 * the smaller id wins. As in dskit's conflict resolution. R-12
 */
export function findLosers(
  index: TokenIndex,
  isLeaving: (position: number) => boolean,
): ReadonlyMap<number, ReadonlySet<number>> {
  const losers = new Map<number, Set<number>>();
  if (index.duplicates === 0) return losers;
  const { tokens } = index;
  for (let start = 0; start < tokens.length; ) {
    const token = tokens[start] ?? 0;
    let end = start + 1;
    while (end < tokens.length && tokens[end] === token) end++;
    if (end > start + 1) {
      const winner = winnerOf(index, { start, end }, isLeaving);
      for (let i = start; i < end; i++) {
        const owner = index.owners[i] ?? 0;
        if (owner === winner) continue;
        const lost = losers.get(owner);
        if (lost === undefined) losers.set(owner, new Set([token]));
        else lost.add(token);
      }
    }
    start = end;
  }
  return losers;
}

/** The index with one holder a token, by the rule of {@link findLosers}. */
export function withoutDuplicates(
  index: TokenIndex,
  isLeaving: (position: number) => boolean,
): TokenIndex {
  if (index.duplicates === 0) return index;
  const tokens = new Uint32Array(index.tokens.length - index.duplicates);
  const owners = new Uint32Array(tokens.length);
  let to = 0;
  for (let start = 0; start < index.tokens.length; ) {
    const token = index.tokens[start] ?? 0;
    let end = start + 1;
    while (end < index.tokens.length && index.tokens[end] === token) end++;
    tokens[to] = token;
    owners[to++] = winnerOf(index, { start, end }, isLeaving);
    start = end;
  }
  return { tokens, owners, duplicates: 0 };
}

function winnerOf(
  index: TokenIndex,
  run: { readonly start: number; readonly end: number },
  isLeaving: (position: number) => boolean,
): number {
  for (let i = run.start; i < run.end; i++) {
    const owner = index.owners[i] ?? 0;
    if (!isLeaving(owner)) return owner;
  }
  return index.owners[run.start] ?? 0;
}

function buildFresh(change: TokenIndexChange): TokenIndex {
  const positions = [...change.fresh].sort((a, b) => a - b);
  const built = buildTokenIndex(positions.flatMap((position) => change.tokens[position] ?? []));
  return { ...built, owners: built.owners.map((owner) => positions[owner] ?? 0) };
}

function indexOf({ tokens, owners }: TokenColumns): TokenIndex {
  const { length } = tokens;
  let duplicates = 0;
  for (let i = 1; i < length; i++) if (tokens[i] === tokens[i - 1]) duplicates++;
  return { tokens, owners, duplicates };
}
