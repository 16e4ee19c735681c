import { changeTokenIndex, type TokenIndex } from './token-index.ts';
import { firstNotBelow } from './token-search.ts';
import type { Tokens } from './tokens.ts';

/** With more changes than this, going over all tokens is as fast as copying what lies between the changes. */
const MAX_CHANGES = 4096;

/** With more owners or tokens changed than this, a whole index is made to find tokens that are held twice. */
const MAX_COMPARED_OWNERS = 8;
const MAX_COMPARED_TOKENS = 64;

/** One token that an owner gets or loses. */
interface Change {
  readonly token: number;
  readonly owner: number;
  readonly adds: boolean;
}

/**
 * The index after some owners have got other tokens, everything else being equal: the stretches between the changes
 * are copied whole.
 */
export function replaceTokens(
  old: TokenIndex,
  before: readonly Tokens[],
  after: readonly Tokens[],
): TokenIndex {
  const fresh = changedOwners(before, after);
  const changes = fresh.flatMap((owner) => changesOf(owner, before[owner], after[owner]));
  if (old.duplicates > 0 || changes.length > MAX_CHANGES) {
    const gone = new Set(fresh);
    const positions = Int32Array.from(before, (_, owner) => (gone.has(owner) ? -1 : owner));
    return changeTokenIndex(old, { positions, fresh, tokens: after });
  }
  changes.sort((a, b) => a.token - b.token || Number(a.adds) - Number(b.adds) || a.owner - b.owner);
  return applyChanges(old, changes);
}

/**
 * Whether two owners hold one token after some have got other tokens; undefined when it takes an index to tell.
 */
export function isTokenShared(
  old: TokenIndex,
  before: readonly Tokens[],
  after: readonly Tokens[],
): boolean | undefined {
  if (old.duplicates > 0) return undefined;
  const fresh = changedOwners(before, after);
  if (fresh.length > MAX_COMPARED_OWNERS) return undefined;
  const changes = fresh.flatMap((owner) => changesOf(owner, before[owner], after[owner]));
  if (changes.length > MAX_COMPARED_TOKENS) return undefined;
  return changes.some(({ token, owner, adds }) => {
    if (!adds) return false;
    const at = firstNotBelow(old.tokens, token, 0, old.tokens.length);
    const holder = old.tokens[at] === token ? old.owners[at] : undefined;
    const others = holder === undefined ? fresh : [...fresh, holder];
    return others.some((other) => other !== owner && after[other]?.has(token) === true);
  });
}

function changedOwners(before: readonly Tokens[], after: readonly Tokens[]): readonly number[] {
  const changed: number[] = [];
  for (let owner = 0; owner < before.length; owner++) {
    if (before[owner] !== after[owner]) changed.push(owner);
  }
  return changed;
}

/** What one owner gets and loses. */
function changesOf(
  owner: number,
  before: Tokens | undefined,
  after: Tokens | undefined,
): readonly Change[] {
  const old = before?.values ?? new Uint32Array(0);
  const now = after?.values ?? new Uint32Array(0);
  const changes: Change[] = [];
  let i = 0;
  let k = 0;
  while (i < old.length || k < now.length) {
    const lost = old[i] ?? Number.POSITIVE_INFINITY;
    const got = now[k] ?? Number.POSITIVE_INFINITY;
    if (lost < got) changes.push({ token: lost, owner, adds: false });
    else if (got < lost) changes.push({ token: got, owner, adds: true });
    if (lost <= got) i++;
    if (got <= lost) k++;
  }
  return changes;
}

function applyChanges(old: TokenIndex, changes: readonly Change[]): TokenIndex {
  const growth = changes.reduce((sum, { adds }) => sum + (adds ? 1 : -1), 0);
  const tokens = new Uint32Array(old.tokens.length + growth);
  const owners = new Uint32Array(tokens.length);
  let from = 0;
  let to = 0;
  const copyUntil = (end: number): void => {
    tokens.set(old.tokens.subarray(from, end), to);
    owners.set(old.owners.subarray(from, end), to);
    to += end - from;
    from = end;
  };
  for (const { token, owner, adds } of changes) {
    copyUntil(firstNotBelow(old.tokens, token, from, old.tokens.length));
    if (!adds) {
      from++;
      continue;
    }
    // Nobody held a token twice, so at most one old holder stands here: the smaller position comes first.
    if (old.tokens[from] === token && (old.owners[from] ?? 0) < owner) copyUntil(from + 1);
    tokens[to] = token;
    owners[to++] = owner;
  }
  copyUntil(old.tokens.length);
  return { tokens, owners, duplicates: countDuplicates(tokens, changes) };
}

/** Entries with the token of the entry before them; they can only be where something changed. */
function countDuplicates(tokens: Uint32Array, changes: readonly Change[]): number {
  let count = 0;
  let last = -1;
  for (const { token, adds } of changes) {
    if (!adds || token === last) continue;
    last = token;
    let at = firstNotBelow(tokens, token, 0, tokens.length) + 1;
    for (; tokens[at] === token; at++) count++;
  }
  return count;
}
