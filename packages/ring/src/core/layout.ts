import { IdIndex } from './id-index.ts';
import type { InstanceDesc } from './instance.ts';
import { isTokenShared, replaceTokens } from './replace-tokens.ts';
import {
  beginTokenIndex,
  buildTokenIndex,
  changeTokenIndex,
  type HalfIndex,
  type TokenIndex,
} from './token-index.ts';
import type { Tokens } from './tokens.ts';
import { compareUtf8 } from './utf8.ts';

/** Below this size a search is cheaper than a map. */
const MAP_FROM = 16;

/** What of an earlier index can be reused: all of it but the tokens of some, or what is left of its owners. */
type Seed =
  | { readonly type: 'same-ids'; readonly index: TokenIndex; readonly before: readonly Tokens[] }
  | {
      readonly type: 'other-ids';
      readonly index: TokenIndex;
      readonly positions: Int32Array;
      readonly fresh: readonly number[];
    };

/**
 * What all versions of a ring share that differ only in states and heartbeats: ids in byte order, who holds which
 * tokens, which entries are tombstones. Everything that is costly to derive hangs here and is derived once.
 */
export class Layout {
  readonly ids: readonly string[];
  readonly tokens: readonly Tokens[];
  /** How many entries are tombstones. */
  readonly tombstones: number;
  #seed: Seed | undefined;
  #byId: Map<string, number> | undefined;
  #idIndex: IdIndex | undefined;
  #index: TokenIndex | undefined;
  #half: HalfIndex | undefined;
  #live: Layout | undefined;

  /** @param records in ascending order of their ids, without duplicates. */
  constructor(records: readonly InstanceDesc[], base?: Layout) {
    this.ids = records.map((record) => record.id);
    this.tokens = records.map((record) => record.tokens);
    this.tombstones = records.reduce((count, record) => count + (record.isLeft ? 1 : 0), 0);
    this.#seed = base === undefined ? undefined : seedOf(base, base.#origin, this);
  }

  get size(): number {
    return this.ids.length;
  }

  /** Where `id` stands, -1 when it is absent. */
  positionOf(id: string): number {
    if (this.ids.length < MAP_FROM) return this.#search(id);
    if (this.#byId === undefined) {
      this.#byId = new Map();
      for (const [position, known] of this.ids.entries()) this.#byId.set(known, position);
    }
    return this.#byId.get(id) ?? -1;
  }

  /** The ids by their bytes; made when first asked for. */
  get idIndex(): IdIndex {
    this.#idIndex ??= new IdIndex(this.ids);
    return this.#idIndex;
  }

  /**
   * Whether any token is held by more than one. As long as few tokens changed since there was an index, that one tells:
   * merges that nobody looks anything up between then need none of their own. Without any, half an index does.
   */
  get sharesTokens(): boolean {
    if (this.#index !== undefined) return this.#index.duplicates > 0;
    const seed = this.#seed;
    if (seed === undefined) {
      this.#half ??= beginTokenIndex(this.tokens);
      return this.#half.sharesTokens;
    }
    const known =
      seed.type === 'same-ids' ? isTokenShared(seed.index, seed.before, this.tokens) : undefined;
    return known ?? this.index.duplicates > 0;
  }

  /** All tokens in order; derived from the layout this one was made from when that had its own. */
  get index(): TokenIndex {
    if (this.#index === undefined) {
      this.#index = this.#derive() ?? this.#half?.finish() ?? buildTokenIndex(this.tokens);
      this.#seed = undefined;
      this.#half = undefined;
    }
    return this.#index;
  }

  /** The layout of the given records, which are those of any ring of this layout without its tombstones. */
  live(records: readonly InstanceDesc[]): Layout {
    this.#live ??= new Layout(records, this);
    return this.#live;
  }

  /** An index that is there already, with the tokens it was made of, by the same ids. */
  get #origin(): Origin | undefined {
    if (this.#index !== undefined || this.#half !== undefined) {
      return { index: this.index, tokens: this.tokens };
    }
    const seed = this.#seed;
    return seed?.type === 'same-ids' ? { index: seed.index, tokens: seed.before } : undefined;
  }

  #derive(): TokenIndex | undefined {
    const seed = this.#seed;
    if (seed?.type !== 'same-ids') {
      return seed && changeTokenIndex(seed.index, { ...seed, tokens: this.tokens });
    }
    return replaceTokens(seed.index, seed.before, this.tokens);
  }

  #search(id: string): number {
    let low = 0;
    let high = this.ids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareUtf8(this.ids[middle] ?? '', id);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }
}

interface Origin {
  readonly index: TokenIndex;
  readonly tokens: readonly Tokens[];
}

/** What of the token index that the base has, or would be derived from, can be reused. */
function seedOf(base: Layout, origin: Origin | undefined, next: Layout): Seed | undefined {
  if (origin === undefined) return undefined;
  const { index, tokens } = origin;
  if (base.size === next.size && base.ids.every((id, i) => id === next.ids[i])) {
    return { type: 'same-ids', index, before: tokens };
  }
  const positions = new Int32Array(base.size).fill(-1);
  const fresh: number[] = [];
  let from = 0;
  for (let to = 0; to < next.size; to++) {
    const id = next.ids[to] ?? '';
    let order = -1;
    while (from < base.size) {
      order = compareUtf8(base.ids[from] ?? '', id);
      if (order >= 0) break;
      from++;
    }
    if (order === 0 && tokens[from] === next.tokens[to]) positions[from] = to;
    else fresh.push(to);
  }
  return { type: 'other-ids', index, positions, fresh };
}
